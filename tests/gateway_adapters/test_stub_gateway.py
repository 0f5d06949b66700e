"""The stub gateway for blasts, by the adapters that talk to it and by its log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError

import pytest

from bench.stub_gateway.behaviour import Behaviour
from bench.stub_gateway.message_log import digest_of, repeated
from bench.stub_gateway.running import RunningStub
from gateway_adapters.africastalking import AfricasTalking
from gateway_adapters.base import (
    Accepted,
    EventKind,
    Outgoing,
    Receipt,
    ReceiptStatus,
    Rejected,
    Unknown,
    WebhookRequest,
)
from gateway_adapters.twilio import Twilio

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0
TOKEN = "auth-token"


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain for: {what}"
        time.sleep(0.01)


def blast(count: int, body: str = "Balas dengan tanggal lahir") -> list[Outgoing]:
    return [Outgoing(number, f"+62836{number:08}", body) for number in range(1, count + 1)]


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[RunningStub]:
    with RunningStub(tmp_path / "messages.log", auth_token=TOKEN) as running:
        yield running


@pytest.fixture
def africastalking(stub: RunningStub) -> AfricasTalking:
    environ = {"AT_USERNAME": "kemenkes", "AT_API_KEY": "k", "AT_API_URL": stub.url, "WEBHOOK_SECRET": "s3cret"}
    return AfricasTalking(environ, public_url="https://balas.example", timeout=5)


def make_twilio(stub: RunningStub, public_url: str = "https://balas.example") -> Twilio:
    environ = {
        "TWILIO_ACCOUNT_SID": "AC0123456789",
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_FROM": "+15005550006",
        "TWILIO_API_URL": stub.url,
    }
    return Twilio(environ, public_url=public_url, timeout=5)


@pytest.fixture
def twilio(stub: RunningStub) -> Twilio:
    return make_twilio(stub)


class TestSending:
    def test_a_thousand_in_one_request_are_logged_with_the_ids_of_the_answer(
        self, stub: RunningStub, africastalking: AfricasTalking
    ) -> None:
        messages = blast(1000, "Yth. {ibu/bapak}, 100 % gratis: *119# & SMS 1199")
        outcomes = africastalking.send(messages)
        ids = {outcome.provider_id for outcome in outcomes if isinstance(outcome, Accepted)}
        logged = stub.taken()
        assert len(ids) == 1000
        assert ids == {line.id for line in logged}
        assert [line.number for line in logged] == [message.phone for message in messages]
        assert {(line.gateway, line.digest) for line in logged} == {("africastalking", digest_of(messages[0].body))}
        assert stub.state()["requests"] == 1

    def test_twilio_takes_one_each(self, stub: RunningStub, twilio: Twilio) -> None:
        outcomes = twilio.send(blast(40))
        ids = {outcome.provider_id for outcome in outcomes if isinstance(outcome, Accepted)}
        assert len(ids) == 40
        assert ids == {line.id for line in stub.taken()}

    def test_a_refused_number_is_not_logged(
        self, stub: RunningStub, africastalking: AfricasTalking, twilio: Twilio
    ) -> None:
        one, two = blast(2)
        stub.refuses(one.phone, 406)
        refusal, taken = africastalking.send([one, two])
        assert isinstance(refusal, Rejected)
        assert refusal.opted_out
        assert isinstance(taken, Accepted)
        stub.refuses(one.phone, 21610)
        [refusal] = twilio.send([one])
        assert isinstance(refusal, Rejected)
        assert refusal.opted_out
        stub.refuses(one.phone, 0)
        assert isinstance(twilio.send([one])[0], Accepted)
        assert [(line.gateway, line.number) for line in stub.taken()] == [
            ("africastalking", two.phone),
            ("twilio", one.phone),
        ]


class TestMisbehaving:
    def test_throttled_and_broken_requests_are_not_taken(
        self, stub: RunningStub, africastalking: AfricasTalking, twilio: Twilio
    ) -> None:
        stub.behaves(throttled=1)
        for gateway in (africastalking, twilio):
            [refusal] = gateway.send(blast(1))
            assert isinstance(refusal, Rejected)
            assert refusal.throttled
            assert not refusal.permanent
        stub.behaves(throttled=0, broken=1)
        for gateway in (africastalking, twilio):
            assert isinstance(gateway.send(blast(1))[0], Unknown)
        assert stub.taken() == []

    def test_what_is_dropped_or_lost_is_in_the_log(
        self, stub: RunningStub, africastalking: AfricasTalking, twilio: Twilio
    ) -> None:
        stub.behaves(dropped=1)
        assert all(isinstance(outcome, Unknown) for outcome in africastalking.send(blast(10)))
        assert isinstance(twilio.send(blast(1))[0], Unknown)
        stub.behaves(dropped=0, losing=1, lost_share=0.3)
        outcomes = africastalking.send(blast(10))
        assert sum(isinstance(outcome, Unknown) for outcome in outcomes) == 3
        assert isinstance(twilio.send(blast(1))[0], Unknown)
        assert len(stub.taken()) == 22
        assert len(repeated(stub.taken())) == 10

    def test_slow_answers_run_into_the_adapters_patience(self, stub: RunningStub) -> None:
        stub.behaves(slow=1, slow_seconds=30)
        environ = {"AT_USERNAME": "kemenkes", "AT_API_KEY": "k", "AT_API_URL": stub.url}
        impatient = AfricasTalking(environ, public_url="https://balas.example", timeout=1)
        assert isinstance(impatient.send(blast(1))[0], Unknown)
        assert len(stub.taken()) == 1

    def test_the_same_seed_has_the_same_fates(self, stub: RunningStub, africastalking: AfricasTalking) -> None:
        def fates() -> list[type]:
            stub.behaves(throttled=0.3, dropped=0.3, seed=7)
            return [type(africastalking.send(blast(1))[0]) for _ in range(30)]

        first = fates()
        assert first == fates()
        assert set(first) == {Accepted, Rejected, Unknown}

    @pytest.mark.parametrize("told", [{"dropped": 2}, {"throttled": 0.6, "broken": 0.6}, {"nonsense": 1}])
    def test_nonsense_is_refused(self, stub: RunningStub, told: dict[str, float]) -> None:
        with pytest.raises(HTTPError):
            stub.behaves(**told)
        with pytest.raises(ValueError, match=r"cannot be|add up|there is no"):
            Behaviour().changed({name: str(value) for name, value in told.items()})


class TestListing:
    def test_what_became_unknown_is_found_again(self, stub: RunningStub, twilio: Twilio) -> None:
        since = datetime.now(UTC)
        stub.behaves(dropped=1)
        [message] = blast(1)
        assert isinstance(twilio.send([message])[0], Unknown)
        stub.behaves(dropped=0)
        found = twilio.reconcile(message, since)
        assert found is not None
        assert [found.provider_id] == [line.id for line in stub.taken()]

    def test_what_was_sent_before_is_not_found(self, twilio: Twilio) -> None:
        [message] = blast(1)
        twilio.send([message])
        assert twilio.reconcile(message, datetime.now(UTC) + timedelta(hours=1)) is None
        assert twilio.reconcile(blast(2)[1], datetime.now(UTC)) is None


class _Hook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.came.append((self.path, body, dict(self.headers)))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    server.came = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def read(gateway: AfricasTalking | Twilio, url: str, came: tuple[str, str, dict[str, str]]) -> Receipt:
    """What the adapter makes of a callback, having believed it."""
    path, body, headers = came
    form = dict(field.split("=", 1) for field in body.replace("%2B", "+").split("&"))
    request = WebhookRequest(url + path, form, headers, secret="s3cret")
    assert gateway.authenticate(request)
    receipt = gateway.parse(request, EventKind.RECEIPT)[0]
    assert isinstance(receipt, Receipt)
    return receipt


class TestReceipts:
    def test_twilios_are_signed_twice_each_and_in_the_wrong_order(
        self, stub: RunningStub, hook: ThreadingHTTPServer
    ) -> None:
        url = f"http://127.0.0.1:{hook.server_port}"
        gateway = make_twilio(stub, url)
        stub.behaves(receipts=1, receipts_twice=1, receipts_swapped=1, receipt_delay=0.2)
        gateway.send(blast(5))
        until(lambda: stub.state()["receipts_delivered"] == 20, "two receipts for each message, twice")
        came = [read(gateway, url, one) for one in hook.came]  # type: ignore[attr-defined]
        for number in range(1, 6):
            statuses = [receipt.status for receipt in came if receipt.our_id == number]
            assert sorted(statuses) == sorted([ReceiptStatus.SENT, ReceiptStatus.DELIVERED] * 2)
            assert statuses[0] is ReceiptStatus.DELIVERED
        assert {receipt.provider_id for receipt in came} == {line.id for line in stub.taken()}
        assert gateway.reconcile(blast(1)[0], datetime.now(UTC)).status is ReceiptStatus.DELIVERED  # type: ignore[union-attr]

    def test_africas_talkings_go_where_the_account_says_at_the_rate(
        self, tmp_path: Path, hook: ThreadingHTTPServer
    ) -> None:
        url = f"http://127.0.0.1:{hook.server_port}"
        with RunningStub(
            tmp_path / "log", receipts_to=f"{url}/webhooks/africastalking/s3cret/receipts", receipts=0.5, undelivered=1,
            receipts_per_second=100, receipt_delay=0,
        ) as stub:  # fmt: skip
            environ = {"AT_USERNAME": "kemenkes", "AT_API_KEY": "k", "AT_API_URL": stub.url, "WEBHOOK_SECRET": "s3cret"}
            gateway = AfricasTalking(environ, public_url=url, timeout=5)
            began = time.monotonic()
            gateway.send(blast(100))
            until(lambda: stub.state()["receipts_waiting"] == 0, "all receipts")
            took = time.monotonic() - began
            count = stub.state()["receipts_delivered"]
            came = [read(gateway, url, one) for one in hook.came]  # type: ignore[attr-defined]
        assert 40 < count < 160
        assert took > count / 100 * 0.9
        assert {receipt.status for receipt in came} == {ReceiptStatus.SENT, ReceiptStatus.FAILED}

    def test_receipts_that_are_forgotten_do_not_come(self, stub: RunningStub) -> None:
        stub.behaves(receipts=1, receipt_delay=1000)
        make_twilio(stub, "http://127.0.0.1:9").send(blast(3))
        assert stub.state()["receipts_waiting"] == 6
        stub.forget_receipts()
        assert stub.state()["receipts_waiting"] == 0


_CLIENT = """
import sys
from gateway_adapters.africastalking import AfricasTalking
from gateway_adapters.base import Accepted, Outgoing
environ = {"AT_USERNAME": "kemenkes", "AT_API_KEY": "k", "AT_API_URL": sys.argv[1]}
gateway = AfricasTalking(environ, public_url="https://balas.example", timeout=5)
number = 0
while True:
    batch = [Outgoing(number + place, f"+62836{number + place:08}", "Balas") for place in range(100)]
    number += 100
    for outcome in gateway.send(batch):
        assert isinstance(outcome, Accepted)
        print(outcome.provider_id, flush=True)
"""


def test_the_log_holds_whatever_a_killed_client_had_been_told(stub: RunningStub) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _CLIENT, stub.url], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as client:
        assert client.stdout is not None
        told = [client.stdout.readline().strip() for _ in range(350)]
        os.kill(client.pid, signal.SIGKILL)
        told += client.stdout.read().split()
    logged = stub.taken()
    assert set(told) <= {line.id for line in logged}
    assert len(logged) % 100 == 0
    assert len(logged) == stub.state()["messages"]
    assert repeated(logged) == {}
