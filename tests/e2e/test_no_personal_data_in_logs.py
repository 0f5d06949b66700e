"""Whatever happens, at the most talkative level: no log of any process says whom it was about.

A service of its own runs with LOG_LEVEL=DEBUG through journeys of all kinds, and through failures that quote rows: checks
in PostgreSQL that are made to fail, servers that are paused, lists that cannot be read. Then everything that web, workers,
clock, commands and the servers themselves have written goes through detectors.
"""

from __future__ import annotations

import contextlib
import http.client
import http.cookiejar
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bench.stage import free_port
from bot.db.database import Database
from bot.embedded.servers import EmbeddedServers
from bot.registration.nik import Sex, make_nik
from tests.e2e.conftest import Service, until
from tests.phones import WEBHOOK_SECRET, Phone
from tests.stopping import paused
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.world import Worker, World

_PROJECT = Path(__file__).parents[2]
_PASSWORD = "correct horse battery staple"
#: Words that people write, of which each is found nowhere else.
_SECRETS = ("zamrudkhatulistiwa", "pelangisenja")
_LISTED = "Wahyuningsih Prameswari"
#: What looks like somebody's number or NIK, whoever they are.
_LOOKS_LIKE = {
    "a phone number": re.compile(r"(?<![0-9a-fA-F.])(?:\+?62|0)8[1-9][0-9]{7,10}(?![0-9a-fA-F])"),
    "a NIK": re.compile(r"(?<![0-9a-fA-F.])[1-9][0-9]{15}(?![0-9a-fA-F])"),
}
#: Whose rows these are makes the check fail, and the message of its failure quotes them whole.
_TRAPS = {
    "booking": "phone IS NULL",
    "inbound": "state = 'received'",
    "message": "state <> 'accepted'",
    "hop": "worker_id IS NULL",
    "worker": "verified_at IS NULL",
    "audit": "actor <> 'rina'",
}


@dataclass(frozen=True)
class Detector:
    """What must not be found, and what it is called where it is."""

    told: Mapping[str, str]

    def findings(self, text: str) -> list[str]:
        """What of it a log says: (what, the line without it)."""
        found = []
        for line in text.splitlines():
            low = line.lower()
            found += [f"{what}: {low.replace(secret, '***')}" for secret, what in self.told.items() if secret in low]
            found += [
                f"{what}: {pattern.sub('***', line)}" for what, pattern in _LOOKS_LIKE.items() if pattern.search(line)
            ]
        return found


def detector(people: list[Worker], tickets: list[str]) -> Detector:
    told = dict.fromkeys(_SECRETS, "a text") | {ticket.lower(): "a ticket" for ticket in tickets}
    told |= {word.lower(): "a name" for word in _LISTED.split()}
    for each in people:
        born = each.birth_date
        told |= {word.lower(): "a name" for word in each.name.split()}
        told |= {each.nik: "a NIK", each.nik[:12]: "most of a NIK", each.nik[4:]: "most of a NIK"}
        told |= dict.fromkeys(
            (f"{born:%Y-%m-%d}", f"{born:%d%m%Y}", f"{born:%d-%m-%Y}", f"{born:%d/%m/%Y}"), "a birth date"
        )
        if each.phone:
            told[each.phone.removeprefix("+62")] = "a number"
    return Detector(told)


class Browser:
    """An officer at the command room."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self._token = ""

    def opens(self, path: str) -> int:
        return self._ask(urllib.request.Request(self._base + path))

    def sends(self, path: str, form: Mapping[str, str]) -> int:
        body = urllib.parse.urlencode({**form, "csrf_token": self._token}).encode()
        return self._ask(urllib.request.Request(self._base + path, body))

    def uploads(self, kind: str, name: str, content: bytes) -> int:
        parts = "".join(
            f'--x\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
            for field, value in (("csrf_token", self._token), ("kind", kind))
        )
        file = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = parts.encode() + file.encode() + content + b"\r\n--x--\r\n"
        request = urllib.request.Request(
            f"{self._base}/admin/uploads/", body, {"Content-Type": "multipart/form-data; boundary=x"}
        )
        return self._ask(request)

    def _ask(self, request: urllib.request.Request) -> int:
        try:
            with self._opener.open(request, timeout=20) as answer:
                status, text = answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode(errors="replace")
        found = re.search(r'name="csrf-token" content="([^"]+)"', text)
        self._token = found[1] if found else self._token
        return int(status)


@pytest.fixture(scope="module")
def talkative(
    service_database: str,
    servers: EmbeddedServers,
    tmp_path_factory: pytest.TempPathFactory,
    africastalking: AfricasTalkingStub,
) -> Iterator[Service]:
    """The service at LOG_LEVEL=DEBUG."""
    port, folder = free_port(), tmp_path_factory.mktemp("talkative")
    environ = {
        "PATH": os.environ["PATH"],
        "VAR": str(folder / "var"),
        "PORT": str(port),
        "LOG_LEVEL": "DEBUG",
        "DATABASE_URL": service_database,
        "REDIS_URL": servers.urls.redis_url,
        "SECRET_KEY": "secret of tests",
        "DATA_KEY": "dGVzdHMgbmVlZCBhIGtleSBvZiAzMiBieXRlcyEhISE=",
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
        "SMS_GATEWAY": "africastalking",
        "AT_USERNAME": "sandbox",
        "AT_API_KEY": "key-of-tests",
        "AT_SHORTCODE": "1199",
        "AT_API_URL": africastalking.url,
        "WEBHOOK_DEADLINE_MS": "1500",
    }
    running = Service(environ, port, folder / "service.log")
    try:
        until(lambda: running.ready() or running.process.poll() is not None, "the service to be ready")
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()


def command(service: Service, *arguments: str, stdin: str = "") -> str:
    """What a command writes to its log, which is its stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=_PROJECT,
        env=dict(service.environ),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stderr


def try_to_post(service: Service, path: str, form: Mapping[str, str]) -> None:
    """A gateway that does not mind what it gets."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        service.post(path, form, {})


def test_the_detectors_find_what_they_look_for() -> None:
    """Else nothing that follows would mean anything."""
    siti = Worker(1, "3273015708850001", "Siti Wulandari", date(1985, 8, 17), "+628123456789")
    looks = detector([siti], ["K7M2PX"])
    for line in (
        'DETAIL:  Failing row contains (1, "3273015708850001")',
        "hello SITI",
        "wulandari,",
        "(phone)=(+628123456789)",
        "to 08123456789 now",
        "born 1985-08-17",
        "typed 17081985",
        "ticket K7M2PX",
        "zamrudkhatulistiwa",
        "+6285711112222",
        "nik=3578014101900007",
    ):
        assert looks.findings(line), line
    assert (
        looks.findings('{"event": "request", "timestamp": "2021-01-13T02:00:00.123456Z", "request_id": "4f9a08"}') == []
    )


def test_no_log_says_whom_it_was_about(
    talkative: Service, servers: EmbeddedServers, service_database: str, tmp_path: Path
) -> None:
    world = World(Database(service_database, limit=10))
    logs: list[str] = []
    world.district()
    place = world.facility()
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    world.session(place, day=day, capacity=50)
    people = [
        world.worker(place, name=name, birth_date=date(1981 + number, 3, 14))
        for number, name in enumerate(
            ("Dewiningrum Sekarjati", "Hadiwijaya Nugrohadi", "Ratnasari Puspokusumo", "Tjokropranoto Adiwinata")
        )
    ]
    first, second, third, fourth = people

    def phone(who: Worker) -> Phone:
        return Phone(str(who.phone), talkative.post)

    # Journeys: USSD to the ticket, by SMS, from a strange number, wrong answers, keywords, rubbish, refused callers.
    phone(first).registers(first.typed_birth_date).sees("Tiket")
    phone(second).texts(second.typed_birth_date)
    phone(second).texts(_SECRETS[0])
    phone(second).texts("BERHENTI")
    stranger = Phone("+6281288887777", talkative.post)
    stranger.dials().types(third.nik).types(third.typed_birth_date)
    for _ in range(2):
        phone(third).dials().types("01011990")
    for form in ({"phoneNumber": str(first.phone), "text": _SECRETS[1]}, {"from": str(first.phone)}, {}):
        for end in ("ussd", "sms", "receipts", "opt-outs", "ussd-events"):
            try_to_post(talkative, f"/webhooks/africastalking/{WEBHOOK_SECRET}/{end}", form)
            try_to_post(talkative, f"/webhooks/africastalking/wrong/{end}", {**form, "nik": first.nik})
            try_to_post(talkative, f"/webhooks/{first.phone}/{first.nik}", form)
    until(lambda: bool(world.messages(str(first.phone), "ticket")), "the ticket")
    tickets = [row[0] for row in world.database.rows("SELECT ticket FROM booking WHERE ticket IS NOT NULL")]

    # Commands, also such as fail.
    born = date(1979, 5, 6)
    listed = make_nik("3273", born, Sex.FEMALE, 77).text
    roster = tmp_path / "roster.csv"
    roster.write_text(
        f"nik,name,birth_date,phone,district_code\n{listed},{_LISTED},{born},+6281299990000,3273\n"
        f"{listed}9,{_LISTED},{born},08129999,3273\n{listed},{_LISTED},never,x,9999\n"
    )
    people.append(Worker(0, listed, _LISTED, born, "+6281299990000"))
    logs.append(command(talkative, "user", "add", "rina", "--role", "national", stdin=f"{_PASSWORD}\n"))
    for arguments in (
        ("roster", "import", str(roster)),
        ("roster", "show", str(first.phone)),
        ("roster", "show", first.nik, "--json"),
        ("privacy", "export", second.nik, "--reason", "asked for it"),
        ("privacy", "retention"),
        ("bookings", "export", "--facility", "none", "--date", str(day)),
        ("claims", "list"),
        ("doctor",),
    ):
        logs.append(command(talkative, *arguments))

    # The command room.
    rina = Browser(talkative.port)
    rina.opens("/admin/sign-in")
    assert rina.sends("/admin/sign-in", {"name": "rina", "password": _PASSWORD}) == 200
    everywhere = (
        *("/admin/progress/", "/admin/people/", f"/admin/people/{first.id}", "/admin/system/", "/admin/system/audit"),
        *("/admin/campaigns/", "/admin/sessions/", "/admin/follow-up/", "/admin/uploads/", "/admin/users/"),
    )

    def work() -> None:
        for path in everywhere:
            rina.opens(path)
        for typed in (first.nik, str(first.phone), first.name, tickets[0]):
            rina.sends("/admin/people/", {"typed": typed})
            rina.opens(f"/admin/people/{urllib.parse.quote(typed)}")
        rina.sends(f"/admin/people/{first.id}/nik", {"reason": "she lost her card"})
        rina.sends(f"/admin/people/{first.id}/data", {"reason": "she asked for it"})
        rina.sends(f"/admin/people/{fourth.id}/number", {"phone": "081277776666"})
        rina.uploads("roster", "list.csv", roster.read_bytes())
        rina.uploads("roster", "list.xlsx", b"PK\x03\x04" + roster.read_bytes())

    work()

    # Checks that fail and quote the whole row: in hops, SMS, pages, workers and commands.
    for table, condition in _TRAPS.items():
        world.database.rows(f"ALTER TABLE {table} ADD CONSTRAINT trap CHECK ({condition}) NOT VALID")
    for each in (second, third, fourth):
        form = {
            "sessionId": f"trap-{each.id}",
            "phoneNumber": str(each.phone),
            "serviceCode": "*384#",
            "networkCode": "1",
        }
        for text in ("", each.typed_birth_date, f"{each.typed_birth_date}*1", f"{each.typed_birth_date}*1*1"):
            try_to_post(talkative, f"/webhooks/africastalking/{WEBHOOK_SECRET}/ussd", {**form, "text": text})
        form = {
            "from": str(each.phone),
            "id": f"trap-{each.id}",
            "text": _SECRETS[1],
            "to": "1199",
            "date": "2021-01-13",
        }
        try_to_post(talkative, f"/webhooks/africastalking/{WEBHOOK_SECRET}/sms", form)
    work()
    logs.append(command(talkative, "privacy", "erase", str(fourth.phone), "--reason", "asked for it", "--yes"))
    until(lambda: '"inbound_failed"' in talkative.log.read_text(), "an SMS that fails")
    for table in _TRAPS:
        world.database.rows(f"ALTER TABLE {table} DROP CONSTRAINT trap")

    # PostgreSQL and Valkey keep everybody waiting.
    for server in (servers.postgres, servers.valkey):
        with paused(server.pid):
            for each in (second, third):
                form = {"sessionId": f"away-{each.id}", "phoneNumber": str(each.phone), "text": each.typed_birth_date}
                try_to_post(
                    talkative, f"/webhooks/africastalking/{WEBHOOK_SECRET}/ussd", {**form, "serviceCode": "*1#"}
                )
            form = {"from": str(second.phone), "id": f"away-{server.pid}", "text": _SECRETS[0], "to": "1199"}
            try_to_post(talkative, f"/webhooks/africastalking/{WEBHOOK_SECRET}/sms", form)
            rina.opens(f"/admin/people/{first.id}")
            rina.sends("/admin/people/", {"typed": first.nik})
    until(talkative.ready, "the service to be ready again")
    phone(third).dials()
    world.database.close()
    assert talkative.stop() == 0

    said = talkative.log.read_text()
    assert '"request"' in said, "at DEBUG each request is logged"
    assert '"ussd_failed"' in said, "the trap for hops was sprung"
    assert '"request_failed"' in said, "the trap for pages was sprung"
    logs += [
        said,
        *(path.read_text(errors="replace") for path in sorted(servers.layout.log.iterdir()) if path.is_file()),
    ]
    looks = detector(people, tickets)
    assert [finding for log in logs for finding in looks.findings(log)] == []
    assert _PASSWORD not in "".join(logs)
    assert WEBHOOK_SECRET not in "".join(logs)
