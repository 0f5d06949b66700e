"""Migrations make exactly what ``schema.py`` says."""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import make_url

from bot.db import migrate
from bot.db.database import Database
from bot.db.schema import metadata


class TestMigrations:
    def test_they_make_exactly_what_the_tables_say(self, database_url: str) -> None:
        engine = sqlalchemy.create_engine(make_url(database_url).set(drivername="postgresql+psycopg"))
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": metadata}
            )
            assert compare_metadata(context, metadata) == []
        engine.dispose()

    def test_conditions_storage_and_checks_are_the_same_too(self, database_url: str, url_of: Any) -> None:
        """What alembic does not compare: WHERE of indexes, CHECKs, fill factors, ON DELETE."""
        with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE t_from_tables")
        url = url_of("t_from_tables")
        engine = sqlalchemy.create_engine(make_url(url).set(drivername="postgresql+psycopg"))
        metadata.create_all(engine)
        engine.dispose()
        try:
            migrated, made = _described(database_url), _described(url)
            for what, found in migrated.items():
                assert {str(each) for each in found} ^ {str(each) for each in made[what]} == set()
        finally:
            with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
                connection.execute("DROP DATABASE t_from_tables WITH (FORCE)")

    def test_applying_them_again_changes_nothing(self, database_url: str) -> None:
        before = _described(database_url)
        migrate.upgrade(database_url)
        assert _described(database_url) == before

    def test_a_database_knows_its_revision(self, database: Database, url_of: Any) -> None:
        with database.connection() as connection:
            assert migrate.revision_of(connection) == migrate.newest()
        with psycopg.connect(url_of("postgres")) as connection:
            assert migrate.revision_of(connection) is None


def _described(url: str) -> dict[str, list[Any]]:
    """Everything that PostgreSQL knows of the tables but alembic's own."""
    queries = {
        "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'",
        "storage": "SELECT relname, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind = 'r' AND relname <> 'alembic_version'",
        "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity "
        "FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version' "
        "AND table_name IN (SELECT relname FROM pg_class WHERE relkind = 'r')",
    }
    with psycopg.connect(url) as connection:
        return {name: sorted(connection.execute(sql).fetchall(), key=repr) for name, sql in queries.items()}
