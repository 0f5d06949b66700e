"""The key of personal data is replaced while people register: nobody is lost, nobody doubled, nothing unreadable."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from bot.cli.main import cli
from bot.crypto import Vault
from bot.db.database import Database
from bot.db.schema import metadata
from bot.invariants import check
from bot.officers.accounts import Role
from bot.privacy import rekeying
from bot.privacy.rekeying import SEALED
from bot.registration.importing import Kind, import_file
from bot.registration.nik import Sex, make_nik
from bot.registration.records import find_workers
from bot.services import Services
from bot.web.app import create_app
from tests.journeys.conftest import MovableClock
from tests.phones import Phone
from tests.privacy.everything import NOTE, TEXT_OF_THEIRS, Person, fill
from tests.world import DATA_KEY, MORNING, World

OLD = DATA_KEY
NEW = base64.urlsafe_b64encode(b"the key that follows the old one").decode()
BEFORE, READABLE, INSTEAD, AFTER = OLD, f"{OLD},{NEW}", f"{NEW},{OLD}", NEW

Served = Callable[[str], Flask]


@pytest.fixture
def served(environ: dict[str, str]) -> Iterator[Served]:
    """A web process with these keys."""
    made: list[Flask] = []

    def serve(keys: str) -> Flask:
        made.append(create_app({**environ, "DATA_KEY": keys}))
        return made[-1]

    yield serve
    for app in made:
        app.extensions["services"].close()


def phone_at(app: Flask, number: str) -> Phone:
    client = app.test_client()

    def post(path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        answer = client.post(path, data=dict(form), headers=dict(headers))
        return answer.status_code, answer.get_data(as_text=True)

    return Phone(number, post)


def moved_to(phone: Phone, app: Flask) -> Phone:
    """The same handset, whose next request another process answers."""
    phone.post = phone_at(app, phone.number).post
    return phone


def rotate(services: Services, keys: str = INSTEAD, **more: Any) -> dict[str, int]:
    return rekeying.rotate(services.database, Vault(keys), lambda: MORNING, "tests", lambda *_: None, **more)


def broken(services: Services) -> list[str]:
    return [each.invariant.name for each in check(services.database, MORNING) if each.count]


def opened(database: Database, vault: Vault) -> set[str]:
    """What is sealed, in the clear; raises where a key is missing."""
    found = set()
    for each in SEALED:
        for column, purpose in each.columns.items():
            for (sealed,) in database.rows(f"SELECT {column} FROM {each.table} WHERE {column} <> ''"):
                found.add(vault.open(bytes(sealed), purpose))
    return found


class TestMakingAnew:
    def test_every_sealed_column_is_known(self) -> None:
        columns = {(t.name, c.name) for t in metadata.tables.values() for c in t.columns if c.name.endswith("_sealed")}
        assert columns == {(each.table, column) for each in SEALED for column in each.columns}
        hashed = {t.name for t in metadata.tables.values() for c in t.columns if c.name == "nik_hash"}
        assert hashed == {each.table for each in SEALED if each.hashed}

    @pytest.mark.parametrize("at_once", [1, 3, 500])
    def test_afterwards_the_new_key_alone_opens_and_finds_everything(
        self, services: Services, world: World, at_once: int
    ) -> None:
        people = [fill(services, world, name=f"Orang {n}", ticket=f"K7M2P{n}") for n in range(4)]
        services.database.rows(
            "INSERT INTO upload (kind, file_name, dry_run, state, uploaded_by, uploaded_at, content_sealed) "
            "VALUES ('roster', 'a.csv', true, 'waiting', 'siti', %s, %s)",
            (MORNING, services.vault.seal("nik,name", "upload.content")),
        )
        services.database.rows(
            "INSERT INTO admin (name, password_hash, role, created_at, totp_sealed) VALUES ('a', '', 'national', %s, %s)",
            (MORNING, services.vault.seal("JBSWY3DP", "totp")),
        )
        before = opened(services.database, services.vault)
        assert {TEXT_OF_THEIRS, NOTE, "nik,name", "JBSWY3DP", people[0].worker.nik} <= before
        changed = rotate(services, at_once=at_once)
        assert changed == {
            "worker": 4,
            "enquiry": 4,
            "inbound": 4,
            "screening": 4,
            "follow_up": 4,
            "admin": 1,
            "upload": 1,
        }
        after = Vault(AFTER)
        assert opened(services.database, after) == before
        for person in people:
            [found] = find_workers(services.database, after, person.worker.nik)
            assert found.name == person.worker.name
            lock = f"nik:{after.hash(person.worker.nik).hex()[:12]}"
            assert services.database.value("SELECT count(*) FROM audit WHERE subject = %s", (lock,)) == 1
            guard = after.hash(person.worker.nik).hex()
            assert services.database.value("SELECT count(*) FROM identity_guard WHERE subject = %s", (guard,)) == 1
            lists = "SELECT audience -> 'nik_hashes' ->> 0 FROM campaign WHERE id = %s"
            assert services.database.value(lists, (person.campaign,)) == guard
        assert rekeying.left(services.database, services.conversations, Vault(INSTEAD)).nothing
        assert rotate(services) == dict.fromkeys(changed, 0)
        assert broken(services) == []

    def test_one_that_was_sealed_anew_but_hashed_with_the_old_key_is_found_too(
        self, services: Services, world: World
    ) -> None:
        """As releases before this one did with two keys."""
        siti = world.worker(None)
        services.database.rows("UPDATE worker SET nik_sealed = %s", (Vault(NEW).seal(siti.nik, "nik"),))
        assert find_workers(services.database, Vault(INSTEAD), siti.nik)
        assert rotate(services)["worker"] == 1
        assert find_workers(services.database, Vault(AFTER), siti.nik)

    def test_niks_that_are_gone_stay_gone(self, services: Services, world: World) -> None:
        world.worker(None)
        services.database.rows("UPDATE worker SET nik_sealed = '', nik_hash = '\\x01'")
        assert rotate(services)["worker"] == 0
        assert services.database.rows("SELECT nik_hash, nik_sealed FROM worker") == [(b"\x01", b"")]

    def test_interrupted_it_goes_on_where_it_was(self, services: Services, world: World) -> None:
        for _ in range(10):
            world.worker(None)
        seen: list[int] = []

        def stop(_table: str, count: int, _changed: int) -> None:
            seen.append(count)
            if count == 6:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            rekeying.rotate(services.database, Vault(INSTEAD), lambda: MORNING, "tests", stop, at_once=2)
        left = rekeying.left(services.database, services.conversations, Vault(INSTEAD))
        assert left.rows["worker"] == 4
        again: list[int] = []
        rekeying.rotate(
            *(services.database, Vault(INSTEAD), lambda: MORNING, "tests"),
            lambda *told: again.append(told[2]),
            at_once=2,
        )
        assert max(again) == 4
        assert rekeying.left(services.database, services.conversations, Vault(INSTEAD)).nothing

    def test_a_row_that_a_hop_holds_is_seen_to_when_it_lets_go(self, services: Services, world: World) -> None:
        held, free = world.worker(None), world.worker(None)
        others_done = threading.Event()

        def tell(table: str, seen: int, changed: int) -> None:
            if (table, seen, changed) == ("worker", 2, 1):
                others_done.set()

        def work() -> None:
            rekeying.rotate(services.database, Vault(INSTEAD), lambda: MORNING, "tests", tell)

        with services.database.transaction() as hop:
            hop.execute("SELECT 1 FROM worker WHERE id = %s FOR UPDATE", (held.id,))
            thread = threading.Thread(target=work)
            thread.start()
            assert others_done.wait(5)
            assert find_workers(services.database, Vault(AFTER), free.nik)
        thread.join(10)
        assert find_workers(services.database, Vault(AFTER), held.nik)


class TestWhilePeopleRegister:
    """One process with the keys of each step and one with those of the step before, as during a rolling restart."""

    STEPS = ((BEFORE, READABLE), (READABLE, INSTEAD), (INSTEAD, AFTER))

    @pytest.mark.parametrize("step", STEPS)
    def test_a_session_that_wanders_between_processes_goes_its_shortest_way(
        self, served: Served, services: Services, world: World, step: tuple[str, str]
    ) -> None:
        place = world.facility()
        world.session(place)
        if step[0] == INSTEAD:
            rotate(services)
        siti = world.worker(place)
        one, other = map(served, step)
        if step[1] == AFTER:  # she was put on the list by the process before
            rotate(services)
        phone = phone_at(one, str(siti.phone)).dials()
        for number, typed in enumerate((siti.typed_birth_date, "1", "1", "1")):
            moved_to(phone, (other, one)[number % 2]).types(typed)
            if step != (BEFORE, READABLE):
                screen = phone.screen
                moved_to(phone, (one, other)[number % 2]).repeats()
                assert phone.screen == screen
        assert len(set(phone.screens)) == 5
        phone.sees("Tiket")

    @pytest.mark.parametrize("step", STEPS[:2])
    def test_a_stranger_with_a_nik_is_known_to_both_and_their_tries_are_counted_together(
        self, served: Served, services: Services, world: World, step: tuple[str, str]
    ) -> None:
        place = world.facility()
        world.session(place)
        siti, budi = world.worker(place, phone=None), world.worker(place, phone=None, name="Budi Santoso")
        one, other = map(served, step)
        phone = phone_at(one, "+6281288887777").dials().types(siti.nik)
        if step[1] == INSTEAD:
            rotate(services)
        phone.types(siti.typed_birth_date).sees("Siti Wulandari")
        for number in range(4):
            guess = phone_at((one, other)[number % 2], f"+62813{number}7777111").dials()
            moved_to(guess.types(budi.nik), (one, other)[number % 2]).types("01011990").is_asked()
        phone_at(other, "+6281499991111").dials().types(budi.nik).types("01011990").is_hung_up_on()
        phone_at(one, "+6281499992222").dials().types(budi.nik).types(budi.typed_birth_date).is_hung_up_on()

    def test_registrations_go_on_while_rows_are_made_anew(
        self, served: Served, services: Services, world: World
    ) -> None:
        place = world.facility()
        world.session(place, capacity=100)
        listed = [world.worker(place) for _ in range(30)]
        strangers = [world.worker(place, phone=None, name="Budi Santoso") for _ in range(10)]
        app, failed, done = served(INSTEAD), list[str](), threading.Event()

        def turn() -> None:
            while not done.is_set():
                # Back and forth, so that rows change under whoever looks for them.
                for keys in (INSTEAD, READABLE):
                    services.database.rows("DELETE FROM data_walk")
                    rotate(services, keys, at_once=3)

        thread = threading.Thread(target=turn)
        thread.start()
        try:
            for number, worker in enumerate(listed):
                phone = phone_at(app, str(worker.phone)).registers(worker.typed_birth_date)
                failed += [phone.screen] if "Tiket" not in phone.screen else []
                if number % 3 == 0:
                    stranger = strangers[number // 3]
                    phone = phone_at(app, f"+6281377{number:06d}").dials().types(stranger.nik)
                    phone.types(stranger.typed_birth_date).types("1").types("1").types("1")
                    failed += [phone.screen] if "Tiket" not in phone.screen else []
        finally:
            done.set()
            thread.join(30)
        assert failed == []
        assert services.database.value("SELECT count(*) FROM booking WHERE state = 'booked'") == 40
        assert services.database.value("SELECT count(*) FROM enquiry") == 0
        assert broken(services) == []

    def test_a_list_imported_meanwhile_makes_nobody_twice(
        self, services: Services, clock: MovableClock, tmp_path: Path
    ) -> None:
        services.database.rows(
            "INSERT INTO district (code, name, province_code, province, time_zone) "
            "VALUES ('3273', 'a', '32', 'b', 'Asia/Jakarta')"
        )
        born = datetime(1985, 8, 17, tzinfo=UTC).date()
        niks = [make_nik("3273", born, Sex.FEMALE, number).text for number in range(1, 31)]
        roster = tmp_path / "roster.csv"
        roster.write_text(
            "nik,name,birth_date,district_code\n" + "".join(f"{nik},Siti,1985-08-17,3273\n" for nik in niks)
        )
        long = Database(services.settings.database_url, limit=None)

        def imported(keys: str) -> tuple[int, int]:
            rows = import_file(long, Vault(keys), services.clock, Kind.ROSTER, roster).rows
            return rows.added, rows.updated

        assert imported(BEFORE) == (30, 0)
        assert imported(READABLE) == (0, 0)
        assert imported(INSTEAD) == (0, 0)
        done = threading.Event()

        def turn() -> None:
            while not done.is_set():
                for keys in (INSTEAD, READABLE):
                    services.database.rows("DELETE FROM data_walk")
                    rotate(services, keys, at_once=2)

        thread = threading.Thread(target=turn)
        thread.start()
        try:
            assert {imported(INSTEAD) for _ in range(10)} == {(0, 0)}
        finally:
            done.set()
            thread.join(30)
            long.close()
        rotate(services)
        services.database.rows("DELETE FROM data_walk")
        rotate(services)
        assert services.database.value("SELECT count(*) FROM worker") == 30
        assert all(len(find_workers(services.database, Vault(AFTER), nik)) == 1 for nik in niks)

    def test_an_enquiry_is_left_once_whatever_key_it_was_left_under(
        self, served: Served, services: Services, world: World
    ) -> None:
        nik = make_nik("3273", datetime(1985, 8, 17, tzinfo=UTC).date(), Sex.FEMALE, 4321).text
        for keys in (READABLE, INSTEAD):
            phone = phone_at(served(keys), "+6281288887777").dials().types(nik).types("17081985")
            phone.types("2" if "2" in phone.screen else "1")
        assert services.database.value("SELECT count(*) FROM enquiry") == 1


class TestByCommand:
    def test_status_and_rotate(
        self, environ: dict[str, str], services: Services, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kartika: Person = fill(services, world)
        services.database.rows("UPDATE admin SET role = %s", (Role.NATIONAL.value,))
        for name, value in {**environ, "DATA_KEY": INSTEAD}.items():
            monkeypatch.setenv(name, value)
        sealed = services.vault.seal(kartika.worker.nik, "conversation.nik").hex()
        services.conversations.set("conv:{+62811}", '1:a:{"c":{"m":{"sealed_nik":"' + sealed + '"}}}')

        def says(*arguments: str) -> Any:
            answer = CliRunner().invoke(cli, ["keys", *arguments, "--json"])
            assert answer.exit_code == 0, answer.output
            return json.loads(answer.stdout)

        said = says("status")
        assert said["with_an_older_key"]["rows"]["worker"] == 1
        assert said["with_an_older_key"]["conversations"] == 1
        said = says("rotate")
        assert said["made_anew"]["worker"] == 1
        assert not any(said["with_an_older_key"]["rows"].values())
        assert said["older_keys_may_go"] is False
        services.conversations.delete("conv:{+62811}")
        assert says("status")["older_keys_may_go"] is True
        rows = services.database.rows("SELECT detail FROM audit WHERE action = 'keys.rotate'")
        assert [set(detail) for (detail,) in rows] == [{"worker", "enquiry", "inbound", "screening", "follow_up"}]
