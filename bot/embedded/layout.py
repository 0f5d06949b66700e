"""Where things stand below the data folder (``VAR``)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bot.embedded.errors import EmbeddedServerError

#: Others may pass through a folder with this mode, not list it: the account that runs PostgreSQL has to.
PASS_THROUGH = 0o711
PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of files and folders below one data folder, which may hold other files too."""

    folder: Path

    @property
    def run(self) -> Path:
        """Locks, sockets and the addresses of running servers."""
        return self.folder / "run"

    @property
    def log(self) -> Path:
        """The servers' own logs, which hold no statements and no values."""
        return self.folder / "log"

    @property
    def servers_log(self) -> Path:
        """What the servers' keeper has to say."""
        return self.log / "servers.log"

    @property
    def valkey(self) -> Path:
        """Valkey's append-only file."""
        return self.folder / "valkey"

    @property
    def postgres_location(self) -> Path:
        """Names the folder that holds PostgreSQL's data where the data folder itself cannot."""
        return self.folder / "postgres.location"

    @property
    def secrets(self) -> Path:
        """The keys made at the first start."""
        return self.folder / "secrets.json"

    @property
    def demo_admin(self) -> Path:
        """Name and password of the admin that the demo has made."""
        return self.folder / "demo-admin.json"

    @property
    def addresses(self) -> Path:
        """Who keeps the servers, and where they listen."""
        return self.run / "servers.json"

    @property
    def servers_lock(self) -> Path:
        """Held by the one process that keeps the servers."""
        return self.run / "servers.lock"

    @property
    def service_lock(self) -> Path:
        """Held by the one service that runs on this folder."""
        return self.run / "service.lock"

    def make(self) -> None:
        """Make the folders that are missing; raises ``EmbeddedServerError`` when that is not possible."""
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True)
                if os.geteuid() == 0:
                    self.folder.chmod(PASS_THROUGH)
            for folder, mode in ((self.run, PASS_THROUGH), (self.log, PRIVATE)):
                if not folder.is_dir():
                    folder.mkdir(exist_ok=True)
                    folder.chmod(mode)
        except OSError as error:
            raise EmbeddedServerError(
                f"The data folder {self.folder} cannot be used ({error.strerror}); set VAR to another folder."
            ) from error
        if not os.access(self.run, os.W_OK):
            raise EmbeddedServerError(
                f"The data folder {self.folder} belongs to another user; use that account or set VAR to another folder."
            )
