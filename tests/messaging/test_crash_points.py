"""PostgreSQL goes away, or the process dies, at each statement of a sender in turn: nothing is lost, nothing sent twice.

What was not handed over is never taken for handed over by a process that lives, and waits no longer than a lease.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

import pytest

from bot.away import Away
from bot.db.database import Database
from bot.messaging import leases, settling
from bot.messaging.outbox import Lane
from bot.messaging.sending import Sender
from gateway_adapters.base import GatewayRegistry
from tests.messaging.faulty import Break, BreakingDatabase, Killed
from tests.messaging.post import Post
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.behaviour import Behaviour

PHONES = [f"+62812000000{number:02d}" for number in range(3)]
#: More than the statements of one run.
MOST = 60


@pytest.fixture
def breaking(database_url: str) -> Iterator[BreakingDatabase]:
    made = BreakingDatabase(database_url)
    yield made
    made.close()


def _told(stub: AfricasTalkingStub) -> Counter[tuple[str, str]]:
    return Counter((taken.number, taken.body) for taken in stub.taken)


def _run(sender: Sender) -> None:
    with contextlib.suppress(Away, Killed):
        sender.run(lambda: True)
    sender.close()


@pytest.mark.parametrize("how", Break)
def test_replies(
    breaking: BreakingDatabase, mail: Post, stub: AfricasTalkingStub, gateways: GatewayRegistry, how: Break
) -> None:
    at = 0
    while True:
        letters = {
            mail.write(f"{at} {number}", phone): (phone, f"{at} {number}") for phone in PHONES for number in (1, 2)
        }
        stub.behaves(Behaviour.THROTTLED, times=1)
        breaking.will_break(at, how)
        _run(Sender(breaking, gateways, mail.clock, Lane.REPLY, pace=mail.pace))
        over = not breaking.has_broken
        breaking.breaks_at = None
        _settles(mail)
        _nothing_lost_or_doubled(mail.database, stub, letters, how)
        if over:
            break
        at += 1
    assert 5 < at < MOST


def _settles(mail: Post) -> None:
    """Time passes, the sweep looks, and somebody else sends what is due, until nothing is."""
    for _ in range(3):
        mail.passes(seconds=1000)
        leases.sweep(mail.database, mail.clock.now())
        mail.send()


def _nothing_lost_or_doubled(
    database: Database, stub: AfricasTalkingStub, letters: dict[int, tuple[str, str]], how: Break
) -> None:
    told = _told(stub)
    states = dict(database.rows("SELECT id, state FROM message WHERE id = ANY(%s)", (list(letters),)))
    for message, letter in letters.items():
        assert told[letter] <= 1, f"{letter} was sent {told[letter]} times"
        match states[message]:
            case "accepted":
                assert told[letter] == 1
            case "unknown":
                # Of somebody killed after he had said that he would hand it over, nobody knows whether he did.
                assert how is Break.DEATH or told[letter] == 1, f"{letter} never left, and waits for an admin"
            case other:
                raise AssertionError(f"{letter} is {other}, and was sent {told[letter]} times")


def test_who_was_taken_for_dead_hands_over_nothing_that_another_has_claimed(
    mail: Post, stub: AfricasTalkingStub
) -> None:
    """A claim is told from the next one of the same attempt: found by reading."""
    mail.write()
    [(old, _)] = mail.claim()
    mail.passes(seconds=61)
    assert leases.sweep(mail.database, mail.clock.now()) == (1, 0)
    [(new, _)] = mail.claim()
    assert new.id == old.id
    assert leases.submit(mail.database, [old], mail.clock.now()) == set()
    leases.give_back(mail.database, old, mail.clock.now())
    assert leases.submit(mail.database, [new], mail.clock.now()) == {new.id}
    leases.give_back(mail.database, old, mail.clock.now(), mail.clock.now() - leases.LEASE)
    assert mail.database.value("SELECT state FROM attempt") == "submitted"
    assert stub.received == []


def test_messages_that_are_queued_again_twice_are_one_attempt(mail: Post) -> None:
    mail.write()
    [(lease, letter)] = mail.submit()
    for _ in range(2):
        settling.queue_again(mail.database, lease, [letter], mail.clock.now())
    assert mail.database.rows("SELECT size FROM attempt WHERE state = 'queued'") == [(1,)]
