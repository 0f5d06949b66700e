"""A claim whose answer was lost keeps nobody waiting until a lease is over (found by seed 215 of the fault runs)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.away import Away
from bot.messaging import leases
from bot.messaging.doubtful import DoubtfulClaims
from bot.messaging.outbox import Lane
from bot.messaging.sending import Sender
from gateway_adapters.base import GatewayRegistry
from tests.messaging.faulty import Break, BreakingDatabase
from tests.messaging.post import Post
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub


@pytest.fixture
def breaking(database_url: str) -> Iterator[BreakingDatabase]:
    made = BreakingDatabase(database_url)
    yield made
    made.close()


@pytest.mark.parametrize("how", [Break.BEFORE, Break.AFTER])
def test_what_a_lost_claim_holds_is_sent_at_the_next_look(
    breaking: BreakingDatabase, mail: Post, stub: AfricasTalkingStub, gateways: GatewayRegistry, how: Break
) -> None:
    message = mail.write()
    sender = Sender(breaking, gateways, mail.clock, Lane.REPLY, pace=mail.pace)
    breaking.will_break(0, how)
    with pytest.raises(Away):
        sender.run(lambda: True)
    claimed = mail.database.value("SELECT state FROM attempt")
    assert claimed == ("claimed" if how is Break.AFTER else "queued")
    breaking.breaks_at = None
    assert sender.run(lambda: True) == 1  # and no time has passed
    sender.close()
    assert mail.state(message) == "accepted"
    assert [taken.body for taken in stub.taken] == ["halo"]


def test_a_claim_that_is_carried_out_late_is_given_back_too(mail: Post) -> None:
    mail.write()
    lost = DoubtfulClaims(mail.database, Lane.REPLY)
    lost.note(mail.clock.now())
    lost.give_back()  # the server was only held up
    assert len(mail.claim()) == 1
    lost.give_back()
    assert mail.database.value("SELECT state FROM attempt") == "queued"


def test_nobody_hands_over_what_was_taken_for_lost(mail: Post, stub: AfricasTalkingStub) -> None:
    mail.write()
    [(lease, _)] = mail.claim()
    lost = DoubtfulClaims(mail.database, Lane.REPLY)
    lost.note(mail.clock.now())
    lost.give_back()
    assert leases.submit(mail.database, [lease], mail.clock.now()) == set()
    assert mail.send() == 1
    assert len(stub.taken) == 1


def test_other_claims_stay_as_they_are(mail: Post) -> None:
    mail.write()
    mail.claim()
    for lane, moment in ((Lane.REPLY, mail.clock.now() - timedelta(microseconds=1)), (Lane.BLAST, mail.clock.now())):
        lost = DoubtfulClaims(mail.database, lane)
        lost.note(moment)
        lost.give_back()
    assert mail.database.value("SELECT state FROM attempt") == "claimed"
