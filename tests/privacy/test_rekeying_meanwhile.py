"""The key of personal data is replaced while people register: nobody is lost, nobody doubled, no call fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from bot.crypto import Vault
from bot.db.database import Database
from bot.registration.importing import Kind, import_file
from bot.registration.nik import Sex, make_nik
from bot.registration.records import find_workers
from bot.services import Services
from bot.web.app import create_app
from tests.journeys.conftest import MovableClock
from tests.phones import Phone
from tests.privacy.keys import AFTER, BEFORE, INSTEAD, READABLE, rotate
from tests.privacy.traces import broken
from tests.world import World

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
