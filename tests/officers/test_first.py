"""The demo's admin: made once, told at every start for as long as it is true."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from bot.db.database import Database
from bot.officers import accounts, managing
from bot.officers.accounts import Role
from bot.officers.first import make_first
from tests.world import MORNING

PASSWORD = "correct horse battery"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=10)
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "demo-admin.json"


def starts(database: Database, file: Path) -> None:
    make_first(database, file, now=MORNING, actor="cli:root")


def test_made_at_the_first_start_and_kept(database: Database, file: Path) -> None:
    starts(database, file)
    kept = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    [admin] = accounts.every(database)
    assert (admin.name, admin.role) == (kept["name"], Role.NATIONAL) == ("admin", Role.NATIONAL)
    assert PasswordHasher().verify(database.value("SELECT password_hash FROM admin"), kept["password"])
    starts(database, file)
    assert json.loads(file.read_text()) == kept
    assert len(accounts.every(database)) == 1
    assert database.value("SELECT count(*) FROM audit WHERE action = 'user.add'") == 1


def test_who_has_an_admin_of_their_own_gets_none(database: Database, file: Path) -> None:
    accounts.add(database, "sri", Role.NATIONAL, None, PASSWORD, now=MORNING, actor="cli:root")
    starts(database, file)
    assert not file.exists()
    assert len(accounts.every(database)) == 1


def test_a_password_that_was_changed_is_not_told_any_more(database: Database, file: Path) -> None:
    starts(database, file)
    [admin] = accounts.every(database)
    managing.reset_password(database, admin.id, now=MORNING, actor="cli:root")
    starts(database, file)
    assert not file.exists()


def test_a_damaged_file_stops_nothing(database: Database, file: Path) -> None:
    starts(database, file)
    file.write_text("[]")
    starts(database, file)
    assert not file.exists()


def test_a_name_that_is_taken(database: Database, file: Path) -> None:
    accounts.add(database, "admin", Role.CALL_CENTRE, None, PASSWORD, now=MORNING, actor="cli:root")
    starts(database, file)
    assert json.loads(file.read_text())["name"] == "demo-admin"
