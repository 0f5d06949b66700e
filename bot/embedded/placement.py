"""Where PostgreSQL's data and both servers' sockets go.

Usually below the data folder. Two things can be in the way. PostgreSQL, run as root, belongs to an unprivileged
account that may be unable to get there (a checkout under root's home); then its data goes below ``/var/lib/balas``,
which the data folder remembers, rather than opening folders that somebody closed. And a socket's path may have 107
bytes at most (103 on macOS); then the sockets go to a short folder of their own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.embedded.account import Account, account_for, can_enter
from bot.embedded.binaries import PostgresPrograms, reachable_by
from bot.embedded.errors import EmbeddedServerError
from bot.embedded.layout import PASS_THROUGH, PRIVATE, Layout

ELSEWHERE = Path("/var/lib/balas")

#: The longest socket path that every system takes, less the longest name that we put into the folder.
_LONGEST_SOCKET_FOLDER = 103 - len("/.s.PGSQL.5432.lock")
#: PostgreSQL and libpq both split lists of socket folders at commas and blanks.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+@-]+")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one PostgreSQL lives, and as whom (None: as ourselves)."""

    data: Path
    sockets: Path
    programs: PostgresPrograms
    account: Account | None


def place_postgres(layout: Layout, programs: PostgresPrograms, say: Callable[[str], None]) -> Placement:
    """Settle where PostgreSQL goes, making what folders it needs; raises ``EmbeddedServerError``.

    Tells by ``say`` when that is not below the data folder.
    """
    try:
        base = _base(layout, say)
        account = account_for(base / "postgres")
        if account is not None and not can_enter(account, base):
            raise EmbeddedServerError(
                f"The account {account.name}, which runs PostgreSQL for root, can no longer enter {base}; "
                "let it pass, or set VAR to another folder."
            )
        return Placement(
            data=base / "postgres",
            sockets=socket_folder(layout, "postgres", base / "run", account),
            programs=reachable_by(account, programs, base),
            account=account,
        )
    except OSError as error:
        raise EmbeddedServerError(
            f"PostgreSQL has no place for its data below {layout.folder} ({error}); set VAR to another folder."
        ) from error


def own(path: Path, account: Account | None) -> None:
    """Hand ``path`` to the account that runs the server."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def socket_folder(layout: Layout, server: str, parent: Path, account: Account | None) -> Path:
    """A folder for ``server``'s socket that only ``account`` and root can enter, with a path short enough.

    As long as the servers have not been stopped in order it is the same at every call: whoever uses them reconnects
    to where they were.
    """
    beside = parent / server
    if len(os.fsencode(beside)) <= _LONGEST_SOCKET_FOLDER and _PLAIN_PATH.fullmatch(str(beside)):
        beside.mkdir(exist_ok=True)
        beside.chmod(PRIVATE)
        own(beside, account)
        return beside
    remembered = _remembered_sockets(layout, server)
    if remembered.exists():
        earlier = Path(remembered.read_text().strip())
        if _is_private(earlier, account):
            return earlier
    short = Path(tempfile.mkdtemp(prefix="balas-", dir=_short_parent(account)))
    own(short, account)
    remembered.write_text(f"{short}\n")
    return short


def forget_sockets(layout: Layout, server: str) -> None:
    """Remove the short folder of a server that has been stopped, if it had one."""
    remembered = _remembered_sockets(layout, server)
    with contextlib.suppress(OSError):
        folder = Path(remembered.read_text().strip())
        remembered.unlink()
        shutil.rmtree(folder)


def _remembered_sockets(layout: Layout, server: str) -> Path:
    return layout.run / f"{server}.sockets"


def _short_parent(account: Account | None) -> str:
    private = os.environ.get("XDG_RUNTIME_DIR", "")
    if account is None and private and len(private) < 60 and os.access(private, os.W_OK):
        return private
    return "/tmp"  # noqa: S108  mkdtemp makes an unguessable folder that is ours alone


def _is_private(folder: Path, account: Account | None) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    owner = account.uid if account is not None else os.geteuid()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) == PRIVATE


def _base(layout: Layout, say: Callable[[str], None]) -> Path:
    if layout.postgres_location.exists():
        base = Path(layout.postgres_location.read_text().strip())
        if not base.is_dir():
            raise EmbeddedServerError(
                f"PostgreSQL's data of {layout.folder} was kept in {base}, which is gone; put it back, "
                f"or remove {layout.postgres_location} to begin anew."
            )
        return base
    own_data = layout.folder / "postgres"
    account = account_for(own_data)
    if own_data.exists() or account is None or can_enter(account, layout.folder):
        return layout.folder
    base = _new_base(layout, say)
    layout.postgres_location.write_text(f"{base}\n")
    say(
        f"PostgreSQL keeps its data in {base}: the account {account.name}, which runs it for root, "
        f"cannot enter {layout.folder}."
    )
    return base


def _new_base(layout: Layout, say: Callable[[str], None]) -> Path:
    if not ELSEWHERE.is_dir():
        ELSEWHERE.mkdir(parents=True)
        ELSEWHERE.chmod(PASS_THROUGH)
    name = hashlib.sha256(os.fsencode(layout.folder.resolve())).hexdigest()[:12]
    for number in range(1, 1000):
        base = ELSEWHERE / (name if number == 1 else f"{name}-{number}")
        try:
            base.mkdir()
        except FileExistsError:
            # The data of a folder that was removed or moved away. Without its keys nobody can read it, yet it is not
            # ours to throw away.
            say(f"{base} holds the data of an earlier {layout.folder}; it is left alone and may be removed.")
            continue
        base.chmod(PASS_THROUGH)
        run = base / "run"
        run.mkdir()
        run.chmod(PASS_THROUGH)
        return base
    raise EmbeddedServerError(f"{ELSEWHERE} is full of data of earlier folders; remove some, or set VAR.")
