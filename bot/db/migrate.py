"""Bringing a database to this release's schema.

Alembic, and SQLAlchemy with it, is loaded only where it is used: that takes longer than most commands.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).parent / "migrations"


def _config(url: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Apply every migration that the database at ``url`` has not had yet."""
    from alembic import command

    command.upgrade(_config(url), "head")


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
