"""A backup is taken while people register with the real service, and restored elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis

from bot.backup.noting import last_backup
from bot.clock import clock_from
from bot.crypto import Vault
from bot.db.database import Database
from bot.evaluation import figures
from bot.web.app import create_app
from tests.e2e.conftest import Service, africastalking, phone_of, service, service_database, twilio, until, world
from tests.phones import Phone
from tests.world import DATA_KEY, Worker, World

__all__ = ["africastalking", "phone_of", "service", "service_database", "twilio", "world"]

PhoneOf = Callable[[str], Phone]
TICKET = re.compile(r"Tiket ([0-9A-Z]{6})\.")
_PEOPLE = 60


def test_every_ticket_that_was_shown_is_in_it_and_everybody_goes_on(
    world: World, phone_of: PhoneOf, service: Service, empty_url: str, tmp_path: Path
) -> None:
    place = world.facility()
    for day in range(3, 7):
        world.session(place, capacity=40, day=(datetime.now(UTC) + timedelta(days=day)).date())
    ani = world.worker(place, name="Ani Lestari")  # in the middle of her conversation, when all is lost
    _phone(ani, phone_of).dials().types(ani.typed_birth_date).types("1").is_asked()
    shown = Shown()
    with registering([world.worker(place) for _ in range(_PEOPLE)], phone_of, shown):
        until(lambda: len(shown.tickets) >= 10, "the first tickets")
        before = set(shown.tickets)
        bot(service.environ, "backup", str(tmp_path / "kept"))
        during = set(shown.tickets) - before
    assert during, "nobody registered while the backup was taken"
    elsewhere = {**service.environ, "DATABASE_URL": empty_url}
    assert (last := last_backup(world.database)) is not None
    assert timedelta() < datetime.now(UTC) - last < timedelta(minutes=1)
    told = bot(elsewhere, "restore", str(tmp_path / "kept"), "--yes")
    assert f"{_PEOPLE + 1} workers" in told
    assert "BROKEN" not in bot(elsewhere, "doctor")
    restored = Database(empty_url, limit=10)
    kept = {ticket for (ticket,) in restored.rows("SELECT ticket FROM booking WHERE ticket IS NOT NULL")}
    assert before <= kept <= set(shown.tickets)
    vault = Vault(DATA_KEY)
    for nik, hashed, tail in restored.rows("SELECT nik_sealed, nik_hash, nik_tail FROM worker"):
        assert vault.hash(vault.open(nik, "nik")) == hashed
        assert vault.open(nik, "nik").endswith(tail)
    figures_agree(restored, len(kept))
    with_valkey_copied(elsewhere, ani)
    with_an_empty_valkey(elsewhere, ani)
    restored.close()


def figures_agree(restored: Database, booked: int) -> None:
    """What pages show is counted anew, and right."""
    assert restored.value("SELECT count(*) FROM place_count") == 0
    clock = clock_from(None)
    until(lambda: figures.make(restored, clock) and _registered(restored) == booked, "the figures")


def _registered(restored: Database) -> int:
    return int(restored.value("SELECT coalesce(sum(registered), 0) FROM place_count"))


def with_valkey_copied(environ: Mapping[str, str], ani: Worker) -> None:
    """Her conversation is where it was."""
    with answering(environ) as phone_of:
        _phone(ani, phone_of).dials().does_not_see("DDMMYYYY").is_asked()


def with_an_empty_valkey(environ: Mapping[str, str], ani: Worker) -> None:
    """She proves who she is once more, and goes on to her ticket from what PostgreSQL knows."""
    url = environ["REDIS_URL"].replace("db=0", "db=1")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    with answering({**environ, "REDIS_URL": url}) as phone_of:
        phone = _phone(ani, phone_of).registers(ani.typed_birth_date).is_hung_up_on()
        assert TICKET.search(phone.screen), phone.screen


class Shown:
    """The tickets that stood on a screen."""

    def __init__(self) -> None:
        self.tickets: list[str] = []


@contextmanager
def registering(people: list[Worker], phone_of: PhoneOf, shown: Shown) -> Iterator[None]:
    """Two of them at a time register until this ends, then those who are at it finish."""
    left, over, failed = iter(people), threading.Event(), []
    lock = threading.Lock()

    def register() -> None:
        while not over.is_set():
            with lock:
                person = next(left, None)
            if person is None:
                return
            phone = _phone(person, phone_of).registers(person.typed_birth_date)
            found = TICKET.search(phone.screen)
            if found is None:
                failed.append(phone.screen)
            else:
                shown.tickets.append(found[1])

    threads = [threading.Thread(target=register) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert failed == []


@contextmanager
def answering(environ: Mapping[str, str]) -> Iterator[PhoneOf]:
    """The service, in this process, on what was restored."""
    app = create_app(dict(environ))
    client = app.test_client()

    def post(path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        answer = client.post(path, data=dict(form), headers=dict(headers))
        return answer.status_code, answer.get_data(as_text=True)

    yield lambda number: Phone(number, post)
    app.extensions["services"].close()


def bot(environ: Mapping[str, str], *words: str) -> str:
    """Run a command that must succeed; its output."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=Path(__file__).parents[2],
        env=dict(environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _phone(worker: Worker, phone_of: PhoneOf) -> Phone:
    assert worker.phone is not None
    return phone_of(worker.phone)
