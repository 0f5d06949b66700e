"""From the outbox to a gateway, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import redis

from bot.messaging import leases, settling
from bot.messaging.outbox import Lane
from bot.messaging.pacing import Pace, Slot
from bot.messaging.requests import Plan, Request, plan_letters
from bot.messaging.sending import Sender
from bot.redis_clients import connect
from gateway_adapters.base import Outgoing
from tests.messaging.post import PHONE, Post
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.behaviour import Behaviour
from tests.world import MORNING


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
    message = mail.write(deadline=MORNING + timedelta(milliseconds=400))
    mail.send()
    assert mail.state(message) == "rejected"


def test_temporary_refusals_end_after_some_tries(mail: Post, stub: AfricasTalkingStub) -> None:
    stub.refuses(PHONE, 405)
    message = mail.write()
    for _ in range(settling.MOST_ATTEMPTS_OF_A_REPLY + 2):
        mail.send()
        mail.passes(hours=1)
    assert mail.state(message) == "rejected"
    assert mail.attempt(message) == ("settled", settling.MOST_ATTEMPTS_OF_A_REPLY)


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


def test_backoff_doubles_and_is_bounded() -> None:
    longest = [settling.backoff(attempts, lambda: 1.0).total_seconds() for attempts in range(1, 12)]
    assert longest[:4] == [5, 10, 20, 40]
    assert max(longest) == 900
    assert settling.backoff(10_000, lambda: 1.0).total_seconds() == 900
    assert settling.backoff(3, lambda: 0.0).total_seconds() == 10


def test_a_reply_is_tried_again_sooner() -> None:
    """Somebody waits for it; and no later than after as long as the refusals have lasted so far, plus a second."""
    waits = [settling.backoff(attempts, lambda: 1.0, reply=True).total_seconds() for attempts in range(1, 12)]
    assert waits[:4] == [1, 2, 4, 8]
    assert all(wait <= sum(waits[:place]) + 1 for place, wait in enumerate(waits))
    assert max(waits) == 900
