"""Another role or area for somebody: what it ends, and what nobody gives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from bot.db.database import Database
from bot.officers import accounts, managing, tokens
from bot.officers.accounts import Admin, AdminError, Role
from bot.officers.permissions import PERMISSIONS, May
from bot.officers.reassigning import is_within, reassign
from tests.world import MORNING, World

LATER = MORNING + timedelta(hours=1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=10)
    world = World(made)
    world.district("3273")
    world.facility(code="F1")
    world.district("3171", "Jakarta Pusat")
    yield made
    made.close()


def add(database: Database, name: str, role: Role = Role.NATIONAL, area: str | None = None) -> Admin:
    return accounts.add(database, name, role, area, "correct horse battery", now=MORNING, actor="cli:root")


def give(database: Database, to: Admin, role: Role, area: str | None = None, *, giver: Admin | None = None) -> Admin:
    actor = "cli:root" if giver is None else giver.name
    return reassign(database, to.id, role, area, now=LATER, actor=actor, giver=giver)


def lines(database: Database) -> list[tuple[str, str]]:
    rows = database.rows("SELECT actor, subject FROM audit WHERE action = 'user.reassign' ORDER BY id")
    return [(actor, subject) for actor, subject in rows]


def test_what_was_open_ends_and_what_the_person_has_stays(database: Database) -> None:
    sri, cici = add(database, "sri"), add(database, "cici", Role.DISTRICT, "3273")
    token = tokens.issue(database, cici, "dashboard", [May.SEE_PROGRESS], None, now=MORNING)
    before = database.value("SELECT password_hash FROM admin WHERE id = %s", (cici.id,))
    changed = give(database, cici, Role.PROVINCE, "32", giver=sri)
    assert (changed.name, changed.role, changed.area_code, changed.sessions_since) == ("cici", "province", "32", LATER)
    assert tokens.bearer(database, token, LATER) is None
    assert database.value("SELECT password_hash FROM admin WHERE id = %s", (cici.id,)) == before
    assert database.value("SELECT detail FROM audit WHERE action = 'user.reassign'") == {
        "role": "province",
        "area": "32",
        "was_role": "district",
        "was_area": "3273",
        "tokens_ended": 1,
    }


def test_the_same_once_more_changes_nothing(database: Database) -> None:
    cici = add(database, "cici", Role.DISTRICT, "3273")
    again = give(database, cici, Role.DISTRICT, "3273")
    assert again.sessions_since is None
    assert lines(database) == []


def test_the_last_national_admin_stays_one(database: Database) -> None:
    sri, budi = add(database, "sri"), add(database, "budi")
    give(database, budi, Role.CALL_CENTRE, giver=sri)
    with pytest.raises(AdminError, match="last national"):
        give(database, sri, Role.CALL_CENTRE)
    with pytest.raises(AdminError, match="to yourself"):
        give(database, sri, Role.CALL_CENTRE, giver=sri)
    with pytest.raises(AdminError, match="no such user"):
        reassign(database, 999_999, Role.NATIONAL, None, now=LATER, actor="cli:root", giver=None)


def test_two_who_take_the_ministry_from_each_other_at_once(database: Database) -> None:
    sri, budi = add(database, "sri"), add(database, "budi")
    start = threading.Barrier(2)

    def take(giver: Admin, other: Admin) -> bool:
        start.wait()
        try:
            give(database, other, Role.CALL_CENTRE, giver=giver)
        except AdminError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(take, *pair) for pair in ((sri, budi), (budi, sri))]
        assert sorted(each.result() for each in done) == [False, True]
    assert [each.role for each in accounts.every(database)].count(Role.NATIONAL) == 1


@pytest.mark.parametrize(
    ("giver", "post", "reaches"),
    [
        ((Role.NATIONAL, None), (Role.NATIONAL, None), True),
        ((Role.NATIONAL, None), (Role.CALL_CENTRE, None), True),
        ((Role.PROVINCE, "32"), (Role.PROVINCE, "32"), True),
        ((Role.PROVINCE, "32"), (Role.DISTRICT, "3273"), True),
        ((Role.PROVINCE, "32"), (Role.FACILITY, "F1"), True),
        ((Role.PROVINCE, "32"), (Role.NATIONAL, None), False),
        ((Role.PROVINCE, "32"), (Role.CALL_CENTRE, None), False),
        ((Role.PROVINCE, "32"), (Role.PROVINCE, "31"), False),
        ((Role.PROVINCE, "32"), (Role.DISTRICT, "3171"), False),
        ((Role.DISTRICT, "3273"), (Role.FACILITY, "F1"), True),
        ((Role.DISTRICT, "3171"), (Role.FACILITY, "F1"), False),
        ((Role.DISTRICT, "3273"), (Role.PROVINCE, "32"), False),
        ((Role.FACILITY, "F1"), (Role.DISTRICT, "3273"), False),
    ],
)
def test_nothing_lies_within_that_is_above_or_outside(
    database: Database, giver: tuple[Role, str | None], post: tuple[Role, str | None], reaches: bool
) -> None:
    admin = add(database, "sri", *giver)
    with database.transaction() as connection:
        assert is_within(connection, admin, *post) is reaches


def test_whoever_may_manage_users_gives_and_takes_within_their_own(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PERMISSIONS, Role.PROVINCE, PERMISSIONS[Role.PROVINCE] | {May.MANAGE_USERS})
    add(database, "budi")
    sri, boss = add(database, "sri", Role.PROVINCE, "32"), add(database, "boss")
    ours, theirs = add(database, "ours", Role.DISTRICT, "3273"), add(database, "theirs", Role.DISTRICT, "3171")
    give(database, ours, Role.FACILITY, "F1", giver=sri)
    for other, role, area in (
        (ours, Role.NATIONAL, None),
        (ours, Role.DISTRICT, "3171"),
        (theirs, Role.DISTRICT, "3273"),
        (boss, Role.DISTRICT, "3273"),
    ):
        with pytest.raises(AdminError, match="above or outside"):
            give(database, other, role, area, giver=sri)
    assert lines(database) == [("sri", "user:ours")]


def test_who_has_lost_the_right_meanwhile_gives_nothing(database: Database) -> None:
    sri, budi = add(database, "sri"), add(database, "budi")
    cici = add(database, "cici", Role.DISTRICT, "3273")
    managing.disable(database, sri.id, now=LATER, actor="budi")
    with pytest.raises(AdminError, match="above or outside"):
        give(database, cici, Role.NATIONAL, giver=sri)
    give(database, budi, Role.NATIONAL)
    found = accounts.by_id(database, cici.id)
    assert found is not None
    assert found.role is Role.DISTRICT
