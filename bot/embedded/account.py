"""The account that PostgreSQL runs under: it refuses to be root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bot.embedded.errors import EmbeddedServerError

#: Accounts that every Unix has, the one with the fewest rights first. We add none of our own.
_UNPRIVILEGED = ("nobody", "daemon")


@dataclass(frozen=True, slots=True)
class Account:
    """An account of this machine."""

    name: str
    uid: int
    gid: int


def our_name() -> str:
    """The name of the account that runs this process; raises ``EmbeddedServerError`` if it has none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as error:
        raise EmbeddedServerError(
            f"PostgreSQL needs an account with a name, and uid {os.geteuid()} has none; set DATABASE_URL instead."
        ) from error


def account_for(data: Path) -> Account | None:
    """Whom to run PostgreSQL as, with its data at ``data``: None for ourselves.

    Root runs it as the owner of the data, if there is any yet, else as an unprivileged account. Raises
    ``EmbeddedServerError`` when the data belongs to somebody else whom we cannot become.
    """
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        our_name()
        if owner not in (None, os.geteuid()):
            raise EmbeddedServerError(
                f"{data} belongs to {_name_of(owner)} (was it made by root?); use that account, or set VAR to another "
                "folder."
            )
        return None
    if owner:
        try:
            return _account(pwd.getpwuid(owner))
        except KeyError as error:
            raise EmbeddedServerError(f"{data} belongs to uid {owner}, which is no account of this machine.") from error
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return _account(entry)
    raise EmbeddedServerError(
        "PostgreSQL does not run as root, and there is no account 'nobody' to run it as; "
        "use an ordinary account or set DATABASE_URL."
    )


def can_enter(account: Account, folder: Path) -> bool:
    """Whether ``account`` can pass through ``folder``, tried rather than worked out (there may be ACLs)."""
    return _works(account, ["/bin/sh", "-c", 'test -x "$1"', "sh", str(folder)])


def can_run(account: Account, program: Path) -> bool:
    """Whether ``account`` can run ``program``."""
    return _works(account, [str(program), "--version"])


def _works(account: Account, argv: list[str]) -> bool:
    try:
        done = subprocess.run(
            argv,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _name_of(uid: int | None) -> str:
    try:
        return f"the account {pwd.getpwuid(uid or 0).pw_name}"
    except KeyError:
        return f"uid {uid}"
