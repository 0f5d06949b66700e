"""The whole service: tickets arrive, and processes may be killed."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import psutil

from bot.invariants import check
from tests.e2e.conftest import Service, until
from tests.phones import WEBHOOK_SECRET, Phone
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.behaviour import Behaviour
from tests.world import Worker, World

PhoneOf = Callable[[str], Phone]
TICKET = re.compile(r"Tiket ([0-9A-Z]{6})\.")


def _soon() -> date:
    return (datetime.now(UTC) + timedelta(days=3)).date()


def test_the_ticket_sms_reaches_the_gateway(
    world: World, phone_of: PhoneOf, africastalking: AfricasTalkingStub, service: Service
) -> None:
    place = world.facility()
    world.session(place, day=_soon())
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone).registers(siti.typed_birth_date).is_hung_up_on().sees("Terdaftar")
    [ticket] = TICKET.findall(phone.screen)
    until(lambda: any(taken.number == siti.phone for taken in africastalking.taken), "the ticket SMS", patience=5)
    [taken] = [taken for taken in africastalking.taken if taken.number == siti.phone]
    assert ticket in taken.body
    # and its receipt is taken in
    form = {"id": taken.provider_id, "status": "Success", "phoneNumber": siti.phone, "networkCode": "51010"}

    def state() -> str:
        found: str = world.database.value("SELECT state FROM message WHERE phone = %s", (siti.phone,))
        return found

    until(lambda: state() == "accepted", "our own record of it")
    assert service.post(f"/webhooks/africastalking/{WEBHOOK_SECRET}/receipts", form, {})[0] == 200
    until(lambda: state() == "delivered", "the receipt is applied")


def test_an_sms_is_answered_through_the_api(
    world: World, phone_of: PhoneOf, africastalking: AfricasTalkingStub
) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone_of(siti.phone).texts("17081985", link_id="link-1")
    until(lambda: africastalking.received[-1].form["to"] == siti.phone, "the reply", patience=5)
    received = africastalking.received[-1]
    assert received.form["linkId"] == "link-1"
    assert received.form["from"] == "1199"


def test_nobody_is_let_in_by_serving(world: World, service: Service) -> None:
    """A password that is made and told belongs to the demo alone."""
    assert not (Path(service.environ["VAR"]) / "demo-admin.json").exists()
    assert world.database.value("SELECT count(*) FROM admin") == 0
    until(lambda: "/admin/" in service.log.read_text(), "the service to say where it is")
    assert "password" not in service.log.read_text()


def test_an_answer_and_its_line_in_the_log_have_the_same_id(service: Service) -> None:
    asking = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    asking.request("GET", "/api/v1/people/1", headers={"X-Request-Id": "order-66"})
    answer = asking.getresponse()
    assert (answer.status, answer.headers["X-Request-Id"]) == (401, "order-66")
    assert json.loads(answer.read())["request_id"] == "order-66"
    until(lambda: '"request_id": "order-66"' in service.log.read_text(), "the line in the log")


def test_commands_work_beside_the_running_service(world: World, phone_of: PhoneOf, service: Service) -> None:
    place = world.facility(code="P0001")
    world.session(place, day=_soon())
    siti = world.worker(place)
    assert siti.phone is not None
    phone_of(siti.phone).registers(siti.typed_birth_date)

    def bot(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bot", *arguments]
        return subprocess.run(command, env=dict(service.environ), capture_output=True, text=True, check=False)

    shown = bot("roster", "show", siti.nik, "--json")
    assert shown.returncode == 0, shown.stderr
    assert '"state": "booked"' in shown.stdout
    assert siti.nik not in shown.stdout
    exported = bot("bookings", "export", "--facility", "P0001", "--date", _soon().isoformat())
    assert exported.stdout.splitlines()[0] == "ticket,name,nik,phone,start,end,dose,status"
    assert siti.phone in exported.stdout
    assert siti.nik not in exported.stdout
    whole = bot("bookings", "export", "--facility", "P0001", "--date", _soon().isoformat(), "--with-nik")
    assert siti.nik in whole.stdout
    assert world.database.value("SELECT count(*) FROM audit WHERE action = 'bookings.export-with-nik'") == 1
    assert bot("doctor").returncode == 0
    # a broken invariant is found
    world.database.rows("UPDATE vaccination_session SET taken = taken + 1")
    broken = bot("doctor")
    world.database.rows("UPDATE vaccination_session SET taken = taken - 1")
    assert broken.returncode == 1
    assert "BROKEN" in broken.stdout
    missing = bot("roster", "show", "+6281299999999")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert len(missing.stderr.splitlines()) == 1
    assert bot("roster", "show").returncode == 2
    assert bot("flow", "draw", "registration").stdout.startswith("stateDiagram-v2")
    assert bot("registration", "close-at", "tomorrow").returncode == 2


class Subscribers:
    """Register workers one after the other, dialling again whenever the line drops; remember every ticket seen."""

    def __init__(self, phone_of: PhoneOf, workers: list[Worker], service: Service) -> None:
        self._phone_of = phone_of
        self._service = service
        self._waiting = list(workers)
        self._lock = threading.Lock()
        self.tickets: dict[int, set[str]] = {}

    def run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    return
                worker = self._waiting.pop()
            self._register(worker)

    def _register(self, worker: Worker) -> None:
        assert worker.phone is not None
        for _dial in range(200):
            phone = self._phone_of(worker.phone)
            try:
                phone.dials()
                while phone.goes_on and "1 Ubah" not in phone.screen:
                    phone.types(worker.typed_birth_date if "tanggal lahir" in phone.screen else "1")
            except (OSError, http.client.HTTPException):
                until(self._service.ready, "somebody to answer")
                continue
            seen = re.findall(r"Tiket ([0-9A-Z]{6})\b", phone.screen)
            if seen:
                with self._lock:
                    self.tickets.setdefault(worker.id, set()).update(seen)
                return
        raise AssertionError("this worker never got through")


def _in_hand(world: World) -> set[int]:
    """The attempts that some worker has claimed or submitted, be it alive or dead."""
    return {
        number for (number,) in world.database.rows("SELECT id FROM attempt WHERE state IN ('claimed', 'submitted')")
    }


def _kill_replying(world: World, service: Service) -> set[int]:
    """Kill the worker that sends replies; returns the attempts that it had in hand."""

    def replying() -> list[psutil.Process]:
        return service.children("bot worker", "reply")

    until(lambda: bool(replying()), "a worker to kill")
    for worker in replying():
        worker.kill()
        worker.wait()
    # Its successor needs longer to claim anything than PostgreSQL for the last statement of the dead.
    until(lambda: bool(replying()), "its successor")
    return _in_hand(world)


def test_ten_kills_lose_nothing_and_double_nothing(
    world: World, phone_of: PhoneOf, service: Service, africastalking: AfricasTalkingStub
) -> None:
    chance = random.Random(20210113)
    place = world.facility()
    for day in range(4):
        for hour in range(8, 14):
            world.session(place, day=_soon() + timedelta(days=day), start=time(hour), end=time(hour + 1), capacity=40)
    workers = [world.worker(place) for _ in range(500)]
    subscribers = Subscribers(phone_of, workers, service)
    orphaned: set[int] = set()
    africastalking.delay = 0.1  # a worker whose gateway answers at once has hardly ever anything in hand
    africastalking.behaves(Behaviour.SLOW)
    with ThreadPoolExecutor(6) as pool:
        running = [pool.submit(subscribers.run) for _ in range(6)]
        for kill in range(10):
            goal = (kill + 1) * len(workers) // 12
            until(lambda goal=goal: len(subscribers.tickets) >= goal, f"{goal} registrations")  # type: ignore[misc]
            if kill % 2 == 0:
                orphaned |= _kill_replying(world, service)
            elif victims := service.children("bot", "web"):
                os.kill(chance.choice(victims).pid, signal.SIGKILL)
        for done in running:
            done.result()
    africastalking.behaves(Behaviour.NORMAL)
    until(service.ready, "the service to be whole again")

    # What was in hand when a worker was killed is judged once its lease is over; here we do not wait for that.
    due = "SELECT count(*) FROM attempt WHERE state = 'queued'"
    until(lambda: world.database.value(due) == 0 and _in_hand(world) <= orphaned, "all to leave but what was in hand")

    ids = [worker.id for worker in workers]
    booked = dict(
        world.database.rows(
            "SELECT worker_id, ticket FROM booking WHERE state = 'booked' AND worker_id = ANY(%s)", (ids,)
        )
    )
    assert len(booked) == len(workers)
    assert subscribers.tickets == {worker: {ticket} for worker, ticket in booked.items()}
    numbers = {worker.id: worker.phone for worker in workers}
    handed_over = Counter(taken.number for taken in africastalking.taken if taken.number in numbers.values())
    assert max(handed_over.values()) == 1
    fates = world.database.rows(
        "SELECT m.worker_id, m.state, a.state, a.id FROM message m JOIN attempt a ON a.id = m.attempt_id "
        "WHERE m.worker_id = ANY(%s)",
        (ids,),
    )
    assert sorted(worker for worker, *_ in fates) == sorted(ids)
    assert {message for _, message, *_ in fates} <= {"accepted", "queued", "unknown"}
    accepted = {numbers[worker] for worker, message, *_ in fates if message == "accepted"}
    open_ones = {numbers[worker]: attempt for worker, message, _, attempt in fates if message != "accepted"}
    assert accepted <= handed_over.keys() <= accepted | open_ones.keys()
    assert set(open_ones.values()) <= orphaned
    # What was only claimed has never been handed over, and may still leave.
    unsent = {
        numbers[worker] for worker, message, attempt, _ in fates if message == "queued" and attempt != "submitted"
    }
    assert not unsent & handed_over.keys()
    assert len(accepted) > len(workers) * 0.6
    assert [found.invariant.name for found in check(world.database, datetime.now(UTC)) if found.count] == []
