"""Bringing a database to this release's schema.

Alembic, and SQLAlchemy with it, is loaded only where it is used: that takes longer than most commands.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).parent / "migrations"
#: Any number: two upgrades at the same time wait for one another on it, and an upgrade for a backup.
UPGRADE_LOCK = 840_119
#: How often, and how many seconds apart, an upgrade asks for tables that somebody has in use.
_TRIES = 60
_PAUSE = 1.0


class TablesInUse(Exception):
    """A table that has to be changed has been in use all the time; nothing has been changed."""


def _config(url: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Apply every migration that the database at ``url`` has not had yet, all of them or none.

    The service may go on meanwhile: a table in use is asked for again and again, half a second each time, so that nobody
    waits behind us for longer. Raises ``TablesInUse`` after a minute or two.
    """
    from alembic import command
    from sqlalchemy.exc import OperationalError

    for left in reversed(range(_TRIES)):
        try:
            return command.upgrade(_config(url), "head")
        except OperationalError as error:
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
                raise
            if not left:
                raise TablesInUse("a table that has to be changed is in use") from error
        time.sleep(_PAUSE)
    return None


def newest() -> str:
    """The revision of this release."""
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(_config("")).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations")
    return head


def revision_of(connection: psycopg.Connection[tuple[object, ...]]) -> str | None:
    """The revision of a database, or None if it has never been migrated."""
    found = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
    if not found or not found[0]:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None
