"""Alembic's entry: runs the migrations on the URL that ``bot.db.migrate`` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from bot.db.migrate import UPGRADE_LOCK
from bot.db.schema import metadata

#: Whoever waits for a table makes everybody wait who comes behind: rather give up, and let ``migrate.upgrade`` try again.
_PATIENCE = "SET LOCAL lock_timeout = '500ms'"


def _run() -> None:
    url = make_url(context.config.attributes["url"]).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        connection.execute(text(_PATIENCE))
        context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


_run()
