"""Admins: who may be made one, and how their passwords are kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from bot.db.database import Database
from bot.officers import accounts
from bot.officers.accounts import AdminError, Role
from tests.world import MORNING, World

PASSWORD = "correct horse battery"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=10)
    world = World(made)
    world.district("3273")
    world.facility(code="F1")
    yield made
    made.close()


def add(
    database: Database, name: str, role: Role = Role.NATIONAL, area: str | None = None, password: str = PASSWORD
) -> None:
    accounts.add(database, name, role, area, password, now=MORNING, actor="cli:root")


def test_each_role_with_the_area_it_has(database: Database) -> None:
    for name, role, area in (
        ("Sri", Role.NATIONAL, None),
        ("ani", Role.CALL_CENTRE, None),
        ("budi", Role.PROVINCE, "32"),
        ("cici", Role.DISTRICT, "3273"),
        ("dodi", Role.FACILITY, "F1"),
    ):
        add(database, name, role, area)
    assert [(each.name, each.role, each.area_code) for each in accounts.every(database)] == [
        ("ani", "call-centre", None),
        ("budi", "province", "32"),
        ("cici", "district", "3273"),
        ("dodi", "facility", "F1"),
        ("Sri", "national", None),
    ]


def test_a_password_is_kept_as_argon2id_alone(database: Database) -> None:
    add(database, "sri")
    kept = database.value("SELECT password_hash FROM admin")
    assert kept.startswith("$argon2id$")
    assert PasswordHasher().verify(kept, PASSWORD)


def test_an_admin_is_in_the_audit_log_without_the_password(database: Database) -> None:
    add(database, "budi", Role.PROVINCE, "32")
    assert database.rows("SELECT actor, action, subject, detail FROM audit") == [
        ("cli:root", "user.add", "user:budi", {"role": "province", "area": "32"})
    ]


@pytest.mark.parametrize(
    ("name", "role", "area", "password", "told"),
    [
        ("sri wulan", Role.NATIONAL, None, PASSWORD, "letters, digits, dots"),
        ("", Role.NATIONAL, None, PASSWORD, "letters, digits, dots"),
        ("s" * 41, Role.NATIONAL, None, PASSWORD, "1 to 40"),
        ("sri\n", Role.NATIONAL, None, PASSWORD, "letters, digits, dots"),
        ("sri", Role.NATIONAL, "32", PASSWORD, "national has no area"),
        ("sri", Role.CALL_CENTRE, "32", PASSWORD, "call-centre has no area"),
        ("sri", Role.PROVINCE, None, PASSWORD, "--area CODE"),
        ("sri", Role.PROVINCE, "99", PASSWORD, "no province with the code 99"),
        ("sri", Role.DISTRICT, "32", PASSWORD, "no district with the code 32"),
        ("sri", Role.FACILITY, "3273", PASSWORD, "no facility with the code 3273"),
        ("sri", Role.NATIONAL, None, "too short", "10 to 200 characters"),
        ("sri", Role.NATIONAL, None, "x" * 201, "10 to 200 characters"),
    ],
)
def test_what_cannot_be_is_refused(
    database: Database, name: str, role: Role, area: str | None, password: str, told: str
) -> None:
    with pytest.raises(AdminError, match=told):
        add(database, name, role, area, password)
    assert accounts.every(database) == []
    assert database.value("SELECT count(*) FROM audit") == 0


def test_names_that_differ_by_capitals_are_one(database: Database) -> None:
    add(database, "Sri")
    with pytest.raises(AdminError, match="There is a user Sri already"):
        add(database, "sri")
    found = accounts.find(database, "SRI")
    assert found is not None
    assert found.name == "Sri"
