"""PostgreSQL goes away, or the process dies, at each statement of a blast in turn: nothing is lost, nothing sent twice."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

import pytest

from bot.away import Away
from bot.campaigns.composing import Composer
from bot.campaigns.planning import Budget, Planner
from bot.messaging import leases
from bot.messaging.outbox import Lane
from bot.messaging.sending import Sender
from tests.campaigns.town import JAKARTA, WINDOW, Town
from tests.messaging.faulty import Break, BreakingDatabase, Killed

#: More than the statements of one run.
MOST = 60
PEOPLE = 6


@pytest.fixture
def breaking(database_url: str) -> Iterator[BreakingDatabase]:
    made = BreakingDatabase(database_url)
    yield made
    made.close()


def _planner(town: Town, breaking: BreakingDatabase) -> Planner:
    return Planner(breaking, town.gateways, Composer("*119#", "1199"), WINDOW, Budget(None, None, JAKARTA))


@pytest.mark.parametrize("how", Break)
def test_at_every_statement(breaking: BreakingDatabase, town: Town, how: Break) -> None:
    town.office.workers(PEOPLE)
    planner = _planner(town, breaking)
    at, over = 0, False
    while not over:
        name = f"blast-{at}"
        town.office.running(name, batch_size=3)
        before = len(town.stub.taken)
        breaking.will_break(at, how)
        _run(Sender(breaking, town.gateways, town.clock, Lane.BLAST, pace=town.pace, composer=planner))
        over = not breaking.has_broken
        breaking.breaks_at = None
        town.clock.moment += leases.LEASE * 1.1
        leases.sweep(town.database, town.clock.now())
        _run(Sender(town.database, town.gateways, town.clock, Lane.BLAST, pace=town.pace, composer=town.planner))
        _nothing_lost_or_doubled(town, name, len(town.stub.taken) - before, how)
        at += 1
    assert 5 < at < MOST


def _run(sender: Sender) -> None:
    with contextlib.suppress(Away, Killed):
        sender.run(lambda: True)
    sender.close()


def _nothing_lost_or_doubled(town: Town, name: str, taken: int, how: Break) -> None:
    states = Counter(
        state
        for (state,) in town.database.rows(
            "SELECT m.state FROM message m JOIN campaign c ON c.id = m.campaign_id WHERE c.name = %s", (name,)
        )
    )
    assert set(states) <= {"accepted", "unknown"}, states
    assert states.total() == PEOPLE
    assert states["accepted"] <= taken <= PEOPLE
    # Of somebody killed after he had said that he would hand it over, nobody knows whether he did.
    assert how is Break.DEATH or states["unknown"] == 0, states
