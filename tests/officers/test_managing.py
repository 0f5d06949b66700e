"""Looking after admins: who may be shut out by whom, and what each change ends."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from bot.db.database import Database
from bot.officers import accounts, managing
from bot.officers.accounts import Admin, AdminError, Role
from tests.world import MORNING, World

PASSWORD = "correct horse battery"
LATER = MORNING + timedelta(hours=1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=10)
    world = World(made)
    world.district("3273")
    world.facility(code="F1")
    yield made
    made.close()


def add(database: Database, name: str, role: Role = Role.NATIONAL, area: str | None = None) -> Admin:
    return accounts.add(database, name, role, area, PASSWORD, now=MORNING, actor="cli:root")


def audited(database: Database) -> list[tuple[str, str, str]]:
    rows = database.rows("SELECT actor, action, subject FROM audit WHERE action <> 'user.add' ORDER BY id")
    return [(actor, action, subject) for actor, action, subject in rows]


def test_the_list_says_where_everybody_works(database: Database) -> None:
    add(database, "sri")
    add(database, "budi", Role.PROVINCE, "32")
    add(database, "cici", Role.DISTRICT, "3273")
    add(database, "dodi", Role.FACILITY, "F1")
    database.rows("UPDATE facility SET code = 'F2'")
    everybody, more = managing.listed(database)
    found = {each.admin.name: each.area_name for each in everybody}
    assert more == ""
    assert found == {"sri": None, "budi": "Jawa Barat", "cici": "Kota Bandung", "dodi": None}
    assert managing.provinces(database) == [("32", "Jawa Barat")]
    assert managing.districts(database) == [("3273", "Kota Bandung")]
    assert managing.facilities(database, "3273") == [("F2", "Puskesmas Melati")]


def test_the_list_is_paged_and_searched(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managing, "PAGE", 2)
    for name in ("Sri", "budi", "ani"):
        add(database, name)
    add(database, "cici", Role.DISTRICT, "3273")

    def names(wanted: str = "", after: str = "") -> tuple[list[str], str]:
        found, more = managing.listed(database, wanted, after)
        return [each.admin.name for each in found], more

    assert names() == (["ani", "budi"], "budi")
    assert names(after="budi") == (["cici", "Sri"], "")
    assert names("3273") == names("CIC") == (["cici"], "")
    assert names("%") == ([], "")


def test_shut_out_and_let_in_again(database: Database) -> None:
    add(database, "sri")
    budi = add(database, "budi")
    managing.disable(database, budi.id, now=LATER, actor="sri")
    found = accounts.by_id(database, budi.id)
    assert found is not None
    assert (found.disabled_at, found.sessions_since) == (LATER, LATER)
    managing.enable(database, budi.id, now=LATER, actor="sri")
    again = accounts.by_id(database, budi.id)
    assert again is not None
    # the sessions of before stay over
    assert (again.disabled_at, again.sessions_since) == (None, LATER)
    assert audited(database) == [("sri", "user.disable", "user:budi"), ("sri", "user.enable", "user:budi")]


def test_nobody_shuts_themselves_out(database: Database) -> None:
    sri = add(database, "sri")
    add(database, "budi")
    for act in (managing.disable, managing.reset_password, managing.remove_totp):
        with pytest.raises(AdminError, match="to yourself"):
            act(database, sri.id, now=LATER, actor="SRI")
    managing.end_sessions(database, sri.id, now=LATER, actor="sri")
    assert audited(database) == [("sri", "user.end-sessions", "user:sri")]


def test_the_last_national_admin_stays(database: Database) -> None:
    sri = add(database, "sri")
    district = add(database, "cici", Role.DISTRICT, "3273")
    with pytest.raises(AdminError, match="last national"):
        managing.disable(database, sri.id, now=LATER, actor="cli:root")
    managing.disable(database, district.id, now=LATER, actor="cli:root")
    with pytest.raises(AdminError, match="no such user"):
        managing.disable(database, 999_999, now=LATER, actor="cli:root")


def test_two_who_shut_each_other_out_at_once(database: Database) -> None:
    numbers = {name: add(database, name).id for name in ("sri", "budi")}
    start = threading.Barrier(2)

    def shut_out(actor: str, other: str) -> bool:
        start.wait()
        try:
            managing.disable(database, numbers[other], now=LATER, actor=actor)
        except AdminError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(shut_out, *pair) for pair in (("sri", "budi"), ("budi", "sri"))]
        assert sorted(each.result() for each in done) == [False, True]
    assert len([each for each in accounts.every(database) if each.disabled_at is None]) == 1


def test_a_new_password_is_told_once_and_kept_as_a_hash(database: Database) -> None:
    add(database, "sri")
    budi = add(database, "budi")
    password = managing.reset_password(database, budi.id, now=LATER, actor="sri")
    assert re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}", password)
    hashed = database.value("SELECT password_hash FROM admin WHERE id = %s", (budi.id,))
    assert PasswordHasher().verify(hashed, password)
    found = accounts.by_id(database, budi.id)
    assert found is not None
    assert found.sessions_since == LATER
    assert password not in str(database.rows("SELECT * FROM audit"))


def test_generated_passwords_differ() -> None:
    assert len({managing.generated_password() for _ in range(100)}) == 100
