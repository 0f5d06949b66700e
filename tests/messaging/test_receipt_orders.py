"""Receipts in any order, doubled, early and for ids that nobody knows leave the same final state."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.db.database import Database
from bot.messaging import leases, outbox, receipts, settling
from bot.messaging.outbox import Draft, Lane
from bot.messaging.receipts import Told
from bot.messaging.settling import Settled
from gateway_adapters.base import Accepted, Outcome, Receipt, ReceiptStatus, Unknown
from tests.world import MORNING

_numbers = itertools.count(1)
_FINALITY = {ReceiptStatus.SENT: "accepted", ReceiptStatus.FAILED: "rejected", ReceiptStatus.DELIVERED: "delivered"}
_ORDER = ["queued", "unknown", "accepted", "rejected", "delivered"]


@pytest.fixture(scope="module")
def outgoing(module_database_url: str) -> Iterator[Database]:
    made = Database(module_database_url, limit=10)
    yield made
    made.close()


class Sent:
    """One message on its way, by a gateway that knows it as ``provider_id``."""

    def __init__(self, database: Database, gateway: str) -> None:
        number = next(_numbers)
        self.database, self.gateway = database, gateway
        self.phone, self.provider_id = f"+62812{number:08d}", f"P{number}"
        draft = Draft(f"orders:{number}", "reply", Lane.REPLY, gateway, self.phone, "id", "halo")
        with database.transaction() as connection:
            written = outbox.write(connection, draft, MORNING)
        assert written is not None
        self.id = written
        claimed = leases.claim_replies(database, MORNING, 500)
        [(self.lease, self.letter)] = [(a, b) for a, b in claimed if b is not None and b.id == written]
        leases.submit(database, [self.lease], MORNING)

    def is_answered(self, outcome: Outcome) -> None:
        settling.settle(self.database, [Settled(self.lease, [self.letter], [outcome])], [self.lease.id], MORNING)

    def is_told(self, statuses: list[ReceiptStatus], *, our_id: int | None, provider_id: str | None = None) -> None:
        told = [
            Told(self.gateway, Receipt(provider_id or self.provider_id, each, self.phone, "", our_id), MORNING)
            for each in statuses
        ]
        receipts.apply(self.database, told)

    def state(self) -> str:
        found: str = self.database.value("SELECT state FROM message WHERE id = %s", (self.id,))
        return found


_statuses = st.lists(st.sampled_from(list(ReceiptStatus)), max_size=6)


@given(
    before=_statuses,
    after=_statuses,
    accepted=st.booleans(),
    carries_our_id=st.booleans(),
    batched=st.booleans(),
    swept=st.booleans(),
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_most_final_of_what_was_told_stands(
    outgoing: Database,
    before: list[ReceiptStatus],
    after: list[ReceiptStatus],
    accepted: bool,
    carries_our_id: bool,
    batched: bool,
    swept: bool,
) -> None:
    sent = Sent(outgoing, "twilio" if carries_our_id else "africastalking")
    our_id = sent.id if carries_our_id else None

    def tell(statuses: list[ReceiptStatus]) -> None:
        for part in [statuses] if batched else [[each] for each in statuses]:
            sent.is_told(part, our_id=our_id)
        sent.is_told([ReceiptStatus.DELIVERED], our_id=None, provider_id=f"nobody's {next(_numbers)}-{sent.phone[3:]}x")

    # ids that nobody knows never settle this one: its phone is known, but it is not unknown yet
    tell(before)
    if swept:
        leases.sweep(outgoing, MORNING + timedelta(seconds=61))
    sent.is_answered(Accepted(sent.id, sent.provider_id) if accepted else Unknown(sent.id, "no answer"))
    told = list(before) + list(after)
    for part in [after] if batched else [[each] for each in after]:
        sent.is_told(part, our_id=our_id)
        sent.is_told(part, our_id=our_id)
    receipts.rematch(outgoing, MORNING)

    matched = told if accepted or carries_our_id else list(after)
    heard = [_FINALITY[status] for status in matched] + ["accepted" if accepted else "unknown"]
    if not accepted and not carries_our_id and after:
        heard = [_FINALITY[status] for status in told]  # the first receipt afterwards told us its id
        heard_without = [_FINALITY[status] for status in after]
        assert sent.state() in {max(heard, key=_ORDER.index), max(heard_without, key=_ORDER.index)}
        return
    assert sent.state() == max(heard, key=_ORDER.index)


def test_one_for_an_id_that_nobody_knows_is_counted_and_changes_nothing(outgoing: Database) -> None:
    sent = Sent(outgoing, "africastalking")
    sent.is_answered(Accepted(sent.id, sent.provider_id))
    stray = Receipt(f"stray-{sent.provider_id}", ReceiptStatus.DELIVERED, sent.phone)
    assert receipts.apply(outgoing, [Told("africastalking", stray, MORNING)]) == 0
    assert sent.state() == "accepted"
