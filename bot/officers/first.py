"""The first admin of a trial: made where nobody of the ministry can sign in yet, with a password kept in a file beside it."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import datetime
from pathlib import Path

from bot.db.database import Database
from bot.officers import accounts, managing
from bot.officers.accounts import Role
from bot.officers.signing_in import is_password_of

#: What the first admin is called, unless somebody else is.
_NAMES = ("admin", "demo-admin", "demo-admin-2")


def make_first(database: Database, file: Path, *, now: datetime, actor: str) -> None:
    """Make a national admin if there is none who may sign in, and keep name and password as JSON in ``file``.

    The file is readable by its owner alone. If it tells what is no longer so (the password was changed, the admin shut
    out), it is removed. Raises ``AdminError`` and ``OSError``.
    """
    if any(each.role is Role.NATIONAL and each.disabled_at is None for each in accounts.every(database)):
        if not _is_true(database, file):
            file.unlink(missing_ok=True)
        return
    name = next((each for each in _NAMES if accounts.find(database, each) is None), _NAMES[-1])
    password = managing.generated_password()
    # The file first: an admin whose password nobody knows is worse than a password of nobody.
    _write(file, {"name": name, "password": password})
    accounts.add(database, name, Role.NATIONAL, None, password, now=now, actor=actor)


def _is_true(database: Database, file: Path) -> bool:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        name, password = str(kept["name"]), str(kept["password"])
    except (OSError, ValueError, LookupError, TypeError):
        return False
    admin = accounts.find(database, name)
    return admin is not None and admin.disabled_at is None and is_password_of(database, admin, password)


def _write(file: Path, kept: dict[str, str]) -> None:
    descriptor, unfinished = tempfile.mkstemp(prefix=".demo-admin-", dir=file.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(json.dumps(kept) + "\n")
        Path(unfinished).replace(file)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
