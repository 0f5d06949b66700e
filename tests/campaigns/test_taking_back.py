"""A worker that must stop while PostgreSQL is away: what it had not handed over waits again, once it is back."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from bot.away import Away
from bot.messaging.outbox import Lane
from bot.messaging.sending import Sender
from tests.campaigns.town import Town


def test_what_was_not_handed_over_is_queued_again_however_late(town: Town) -> None:
    """Found by faults on purpose: the attempt was closed, and its messages waited for ever."""
    town.may_have_accidents()
    town.office.workers(5)
    town.office.running(rate=4, batch_size=5)
    sender = Sender(town.database, town.gateways, town.clock, Lane.BLAST, pace=town.pace, composer=town.planner)
    with town.accident_at("attempt"):
        back = threading.Timer(1.0, lambda: town.database.rows("DELETE FROM accident"))
        back.start()
        with pytest.raises(Away):
            sender.run(lambda: not town.stub.taken)
        back.join()
    left = town.database.rows(
        "SELECT a.state, count(*) FROM message m JOIN attempt a ON a.id = m.attempt_id WHERE m.state = 'queued' GROUP BY 1"
    )
    assert [state for state, _ in left] == ["queued"]
    sender.run(lambda: True)
    sender.close()
    assert Counter(taken.number for taken in town.stub.taken).most_common(1)[0][1] == 1
    assert town.database.rows("SELECT state, count(*) FROM message GROUP BY 1") == [("accepted", 5)]
