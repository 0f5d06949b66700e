"""From the outbox to a gateway, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import redis

from bot.clock import ManualClock
from bot.conversation.store import connect
from bot.db.database import Database
from bot.messaging import leases, outbox, receipts, settling
from bot.messaging.outbox import Draft, Lane
from bot.messaging.pacing import Pace, Slot
from bot.messaging.requests import Plan, Request, plan_letters
from bot.messaging.sending import Sender
from bot.messaging.settling import Settled
from gateway_adapters.base import Accepted, GatewayRegistry, Outgoing, Receipt, ReceiptStatus
from gateway_adapters.registry import load_gateways
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.behaviour import Behaviour
from tests.world import MORNING

PHONE = "+6281200000001"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=10)
    yield made
    made.close()


@pytest.fixture
def stub() -> Iterator[AfricasTalkingStub]:
    with AfricasTalkingStub() as running:
        yield running


@pytest.fixture
def gateways(stub: AfricasTalkingStub) -> GatewayRegistry:
    environ = {
        "AT_USERNAME": "sandbox",
        "AT_API_KEY": "key-of-tests",
        "AT_SHORTCODE": "1199",
        "AT_API_URL": stub.url,
        "WEBHOOK_SECRET": "s",
    }
    return load_gateways(environ, public_url="https://balas.example", timeout=1.0)


class Post:
    """Writes messages, sends what is due, and tells what became of them."""

    def __init__(self, database: Database, gateways: GatewayRegistry, pace: Pace) -> None:
        self.database = database
        self.pace = pace
        self.gateways = gateways
        self.clock = ManualClock(MORNING)
        self._number = 0

    def write(self, body: str = "halo", phone: str = PHONE, deadline: datetime | None = None) -> int:
        self._number += 1
        draft = Draft(
            natural_key=f"test:{self._number}",
            kind="reply",
            lane=Lane.REPLY,
            gateway="africastalking",
            phone=phone,
            language="id",
            body=body,
            deadline_at=deadline,
        )
        with self.database.transaction() as connection:
            written = outbox.write(connection, draft, self.clock.now())
        assert written is not None
        return written

    def claim(self, limit: int = 50) -> list[tuple[leases.Lease, Outgoing]]:
        claimed = leases.claim_replies(self.database, self.clock.now(), limit)
        return [(lease, letter) for lease, letter in claimed if letter is not None]

    def submit(self) -> list[tuple[leases.Lease, Outgoing]]:
        claimed = self.claim()
        leases.submit(self.database, [lease.id for lease, _ in claimed], self.clock.now())
        return claimed

    def send(self, gateways: GatewayRegistry | None = None) -> int:
        """Send until nothing is due."""
        chosen = self.gateways if gateways is None else gateways
        sender = Sender(self.database, chosen, self.clock, Lane.REPLY, pace=self.pace)
        try:
            return sender.run(lambda: True)
        finally:
            sender.close()

    def passes(self, **span: float) -> None:
        self.clock.moment += timedelta(**span)

    def state(self, message: int) -> str:
        found: str = self.database.value("SELECT state FROM message WHERE id = %s", (message,))
        return found

    def attempt(self, message: int) -> tuple[str, int]:
        """State and number of a message's attempt."""
        row = self.database.row(
            "SELECT a.state, a.number FROM message m JOIN attempt a ON a.id = m.attempt_id WHERE m.id = %s", (message,)
        )
        assert row is not None
        return row[0], row[1]

    def receipt(self, status: ReceiptStatus, provider_id: str, phone: str = PHONE, reason: str = "") -> bool:
        receipt = Receipt(provider_id, status, phone, reason)
        return receipts.apply(self.database, [receipts.Told("africastalking", receipt, self.clock.now())]) == 1


@pytest.fixture
def mail(database: Database, gateways: GatewayRegistry, redis_url: str) -> Post:
    return Post(database, gateways, Pace(connect(redis_url)))


def test_a_message_is_accepted_once(mail: Post, stub: AfricasTalkingStub) -> None:
    message = mail.write()
    assert mail.send() == 1
    assert mail.send() == 0
    assert (mail.state(message), mail.attempt(message)) == ("accepted", ("settled", 1))
    assert [taken.body for taken in stub.taken] == ["halo"]


def test_the_same_natural_key_is_one_message(mail: Post) -> None:
    mail.write()
    mail._number -= 1
    with pytest.raises(AssertionError):
        mail.write()


def test_replies_to_one_phone_leave_in_their_order(mail: Post, stub: AfricasTalkingStub) -> None:
    for number in range(5):
        mail.write(f"reply {number}")
        mail.write(f"other {number}", phone="+6281200000002")
    assert {letter.body for _, letter in mail.claim()} == {"reply 0", "other 0"}
    mail.passes(seconds=61)
    leases.sweep(mail.database, mail.clock.now())
    mail.send()
    assert [taken.body for taken in stub.taken if taken.number == PHONE] == [f"reply {number}" for number in range(5)]


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [
        (Behaviour.SLOW, "unknown"),
        (Behaviour.HTML, "unknown"),
        (Behaviour.ERROR_500, "unknown"),
        (Behaviour.DROP_AFTER_READING, "unknown"),
        (Behaviour.JSON_WITH_CHARSET, "accepted"),
    ],
)
def test_what_a_misbehaving_gateway_leads_to(
    mail: Post, stub: AfricasTalkingStub, behaviour: Behaviour, state: str
) -> None:
    stub.behaves(behaviour)
    message = mail.write()
    mail.send()
    assert mail.state(message) == state
    # unknown is never sent again by itself
    stub.behaves(Behaviour.NORMAL)
    mail.passes(hours=5)
    leases.sweep(mail.database, mail.clock.now())
    assert mail.send() == 0
    assert len(stub.received) == 1


def test_a_temporary_refusal_is_tried_again_later(mail: Post, stub: AfricasTalkingStub) -> None:
    stub.behaves(Behaviour.THROTTLED, times=1)
    message = mail.write()
    assert mail.send() == 0
    assert mail.state(message) == "queued"
    mail.passes(minutes=20)
    assert mail.send() == 1
    assert mail.attempt(message) == ("settled", 2)


def test_temporary_refusals_end_at_the_deadline(mail: Post, stub: AfricasTalkingStub) -> None:
    stub.refuses(PHONE, 405)
    message = mail.write(deadline=MORNING + timedelta(seconds=2))
    mail.send()
    assert mail.state(message) == "rejected"


def test_temporary_refusals_end_after_some_tries(mail: Post, stub: AfricasTalkingStub) -> None:
    stub.refuses(PHONE, 405)
    message = mail.write()
    for _ in range(settling.MOST_ATTEMPTS + 2):
        mail.send()
        mail.passes(hours=1)
    assert mail.state(message) == "rejected"
    assert mail.attempt(message) == ("settled", settling.MOST_ATTEMPTS)


def test_a_refusal_for_good_is_not_tried_again_and_an_opt_out_is_remembered(
    mail: Post, stub: AfricasTalkingStub
) -> None:
    stub.refuses(PHONE, 406)
    message = mail.write()
    mail.send()
    assert mail.state(message) == "rejected"
    assert mail.database.value("SELECT count(*) FROM opt_out WHERE phone = %s", (PHONE,)) == 1


class _LostPace(Pace):
    """A pace that is lost after some questions, as when Redis goes away."""

    def __init__(self, redis_url: str, questions: int) -> None:
        super().__init__(connect(redis_url))
        self._questions = questions

    def take(self, gateway: str, messages: int, rate: float | None) -> Slot:
        self._questions -= 1
        if self._questions < 0:
            raise redis.ConnectionError("gone")
        return super().take(gateway, messages, rate)


def test_what_was_not_handed_over_is_given_back_when_redis_goes_away(
    mail: Post, stub: AfricasTalkingStub, redis_url: str
) -> None:
    database, now = mail.database, mail.clock.now()
    with database.transaction() as connection:
        campaign = connection.execute(
            "INSERT INTO campaign (name, kind, state, audience, gateway, created_by, created_at) "
            "VALUES ('c', 'blast', 'running', '{}', 'africastalking', 'test', %s) RETURNING id",
            (now,),
        ).fetchone()
        assert campaign is not None
        attempt = connection.execute(
            "INSERT INTO attempt (lane, gateway, campaign_id, language, size, state, created_at, due_at) "
            "VALUES ('blast', 'africastalking', %s, 'id', 20, 'queued', %s, %s) RETURNING id",
            (campaign[0], now, now),
        ).fetchone()
        assert attempt is not None
        connection.execute(
            "INSERT INTO message (campaign_id, worker_id, attempt_id, phone, state, created_at, lane, kind, gateway, language) "
            "SELECT %s, n, %s, '+62812' || lpad(n::text, 8, '0'), 'queued', %s, 'blast', 'blast', 'africastalking', 'id' "
            "FROM generate_series(1, 20) n",
            (campaign[0], attempt[0], now),
        )

    taken_back: list[int] = []

    class Pairs:
        def __call__(self, lease: leases.Lease, _now: datetime) -> Plan:
            plan = Plan()
            rows = database.rows(
                "SELECT id, phone FROM message WHERE attempt_id = %s AND state = 'queued'", (lease.id,)
            )
            letters = [Outgoing(number, phone, "halo") for number, phone in rows]
            plan_letters(plan, mail.gateways, replace(lease, rate=1000.0), letters, most=2)
            return plan

        def take_back(self, _request: Request, letters: Sequence[Outgoing]) -> None:
            taken_back.extend(letter.id for letter in letters)

    sender = Sender(
        database, mail.gateways, mail.clock, Lane.BLAST, pace=_LostPace(redis_url, questions=4), composer=Pairs()
    )
    called: list[str] = []
    with pytest.raises(redis.ConnectionError):
        sender.run(lambda: True, call_others=lambda: called.append("others"))
    sender.close()
    told: dict[str, int] = dict(database.rows("SELECT state, count(*) FROM message GROUP BY 1"))
    assert told == {"accepted": 8, "queued": 12}
    assert len(set(taken_back)) == 12
    assert called == ["others"]  # an attempt of a campaign may be one of many
    assert len(stub.taken) == 8
    mail.passes(minutes=2)
    assert leases.sweep(database, mail.clock.now()) == (0, 0)
    assert database.rows("SELECT state, count(*) FROM attempt GROUP BY 1 ORDER BY 1") == [("queued", 1), ("settled", 1)]


class TestDeadProcesses:
    def test_what_was_only_claimed_is_sent_by_somebody_else(self, mail: Post, stub: AfricasTalkingStub) -> None:
        message = mail.write()
        [(lease, _)] = mail.claim()
        mail.passes(seconds=30)
        assert leases.sweep(mail.database, mail.clock.now()) == (0, 0)
        mail.passes(seconds=31)
        assert leases.sweep(mail.database, mail.clock.now()) == (1, 0)
        assert mail.send() == 1
        # the process was not dead but slow: it finds that the message is no longer its own
        assert leases.submit(mail.database, [lease.id], mail.clock.now()) == set()
        assert len(stub.taken) == 1
        assert mail.attempt(message) == ("settled", 1)

    def test_what_may_have_been_handed_over_is_unknown(self, mail: Post, stub: AfricasTalkingStub) -> None:
        message = mail.write()
        mail.submit()
        mail.passes(seconds=61)
        assert leases.sweep(mail.database, mail.clock.now()) == (0, 1)
        assert mail.state(message) == "unknown"
        assert mail.send() == 0
        assert stub.received == []


class TestReceipts:
    def test_forward_only(self, mail: Post, stub: AfricasTalkingStub) -> None:
        message = mail.write()
        mail.send()
        provider_id = stub.taken[0].provider_id
        assert mail.receipt(ReceiptStatus.DELIVERED, provider_id)
        assert mail.receipt(ReceiptStatus.SENT, provider_id)
        assert mail.receipt(ReceiptStatus.FAILED, provider_id, reason="late")
        assert mail.state(message) == "delivered"
        assert mail.database.value("SELECT count(*) FROM receipt WHERE NOT matched") == 0

    def test_one_that_comes_before_our_own_answer_is_kept_and_matched(
        self, mail: Post, stub: AfricasTalkingStub
    ) -> None:
        message = mail.write()
        [(lease, letter)] = mail.submit()
        assert not mail.receipt(ReceiptStatus.DELIVERED, "ATXid_early")
        assert (mail.state(message), mail.attempt(message)) == ("queued", ("submitted", 1))
        outcome = Settled(lease, [letter], [Accepted(message, "ATXid_early")])
        settling.settle(mail.database, [outcome], [lease.id], mail.clock.now())
        assert mail.state(message) == "delivered"

    def test_it_settles_the_only_unknown_of_its_phone(self, mail: Post, stub: AfricasTalkingStub) -> None:
        stub.behaves(Behaviour.DROP_AFTER_READING)
        message = mail.write()
        mail.send()
        assert mail.state(message) == "unknown"
        provider_id = stub.taken[0].provider_id
        assert mail.receipt(ReceiptStatus.DELIVERED, provider_id, phone=PHONE)
        assert mail.state(message) == "delivered"

    def test_it_settles_none_of_two_unknown_ones(self, mail: Post, stub: AfricasTalkingStub) -> None:
        stub.behaves(Behaviour.DROP_AFTER_READING)
        messages = [mail.write("one"), mail.write("two")]
        mail.send()
        assert not mail.receipt(ReceiptStatus.DELIVERED, stub.taken[0].provider_id, phone=PHONE)
        assert [mail.state(message) for message in messages] == ["unknown", "unknown"]

    def test_the_same_one_again_changes_nothing(self, mail: Post, stub: AfricasTalkingStub) -> None:
        mail.write()
        mail.send()
        for _ in range(3):
            assert mail.receipt(ReceiptStatus.DELIVERED, stub.taken[0].provider_id)
        assert mail.database.value("SELECT count(*) FROM receipt") == 1

    def test_one_for_an_unknown_id_is_kept(self, mail: Post) -> None:
        assert not mail.receipt(ReceiptStatus.DELIVERED, "nobody's")
        assert mail.database.value("SELECT matched FROM receipt") is False


def test_backoff_doubles_and_is_bounded() -> None:
    longest = [settling.backoff(attempts, lambda: 1.0).total_seconds() for attempts in range(1, 12)]
    assert longest[:4] == [5, 10, 20, 40]
    assert max(longest) == 900
    assert settling.backoff(10_000, lambda: 1.0).total_seconds() == 900
    assert settling.backoff(3, lambda: 0.0).total_seconds() == 10
