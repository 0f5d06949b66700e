"""Reminders that registration closes: once for each hour and end, and never of an end that has been moved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from bot.campaigns import campaigns
from bot.campaigns.closing_reminders import end_in, remind_of_closing
from bot.db.database import DatabaseAway
from bot.registration.closing import close_at
from tests.campaigns.town import POST, Town, local
from tests.world import MORNING

END = local(14, 0)
#: When the reminder of ``END`` starts, 24 hours before it: it is 8 o'clock in the east, and still early in the west.
START = local(12, 6)
OLD = "reminder closing 24h 2021-01-14T00:00+07:00"


def closes(town: Town, end: datetime | None) -> None:
    close_at(town.database, end, now=town.clock.moment, actor="cli:budi")


def remind(town: Town, moment: datetime | None = None) -> int:
    """The clock's minute job."""
    town.clock.moment = moment or town.clock.moment
    return remind_of_closing(town.database, POST, end_in(town.database, "Asia/Jakarta"), town.clock.moment)


def half_way(town: Town, people: int, district: str = "3273") -> list[str]:
    """The numbers of people who have begun to register, and have no place."""
    workers = [town.office.world.worker(None, district=district) for _ in range(people)]
    for worker in workers:
        town.database.rows("UPDATE worker SET started_at = %s WHERE id = %s", (MORNING, worker.id))
    return [worker.phone or "" for worker in workers]


def told(town: Town) -> list[str]:
    return sorted(number for number, _, _ in town.took)


def states(town: Town) -> list[tuple[str, str]]:
    return [(name, state) for name, state in town.database.rows("SELECT name, state FROM campaign ORDER BY id")]


def test_goes_once_to_the_half_way(town: Town) -> None:
    half_way(town, 1)
    town.office.workers(1)
    closes(town, END)
    assert remind(town, local(12, 5, 59)) == 0
    assert remind(town, START) == 1
    assert remind(town, local(12, 6, 1)) == 0
    town.send()
    assert town.took == []  # where they live it is still early
    town.clock.moment = local(12, 8)
    town.send()
    assert len(town.took) == 1
    assert "Rab 13 Jan 24.00 WIB" in town.took[0][1]
    assert remind(town, local(13, 8)) == 1
    closes(town, END + timedelta(hours=5))
    assert remind(town, local(13, 8, 1)) == 1
    assert [name for name, _ in states(town)] == [
        OLD,
        "reminder closing 3h 2021-01-14T00:00+07:00",
        "reminder closing 3h 2021-01-14T05:00+07:00",
    ]


def test_without_anybody_it_is_over_at_once(town: Town) -> None:
    closes(town, END)
    assert remind(town, local(13, 9)) == 0
    assert [state for _, state in states(town)] == ["finished"]


class TestMovedEnd:
    def test_what_has_not_left_of_the_old_end_does_not_leave(self, town: Town) -> None:
        east, west = half_way(town, 3, "9471"), half_way(town, 4)
        closes(town, END)
        assert remind(town, START) == 7
        town.send()
        assert told(town) == east
        town.clock.moment = local(12, 6, 30)
        closes(town, END + timedelta(days=1))
        with ThreadPoolExecutor(2) as two:
            assert [each.result() for each in [two.submit(remind, town) for _ in range(2)]] == [0, 0]
        assert remind(town) == 0
        assert states(town) == [(OLD, "cancelled")]
        left = town.database.rows("SELECT phone, reason FROM message WHERE state = 'suppressed' ORDER BY phone")
        assert left == [(number, "cancelled") for number in west]
        assert town.database.rows("SELECT DISTINCT state FROM attempt ORDER BY 1") == [("cancelled",), ("settled",)]
        assert town.database.rows("SELECT actor FROM audit WHERE action = 'campaign.cancel'") == [("clock",)]
        town.clock.moment = local(12, 8)
        town.send()
        assert told(town) == east
        # the new one, at its hour
        assert remind(town, START + timedelta(hours=23, minutes=59)) == 0
        assert remind(town, START + timedelta(days=1)) == 7
        town.clock.moment = local(13, 8)
        town.send()
        assert told(town) == sorted(east + east + west)
        assert all("Kam 14 Jan 24.00 WIB" in body for number, body, _ in town.took[3:] if number in west)

    def test_who_was_just_told_hears_of_the_new_end_a_minute_later(self, town: Town) -> None:
        east, west = half_way(town, 3, "9471"), half_way(town, 4)
        closes(town, END)
        remind(town, START)
        town.send()
        closes(town, END + timedelta(hours=5))  # whose reminder is due at the same hour
        for seconds in range(0, 240, 20):
            remind(town, START + timedelta(seconds=seconds))
            town.send()
        moments = [(number, moment - START) for number, _, moment in town.took]
        assert sorted(moments) == [(number, timedelta(minutes=late)) for number in east for late in (0, 1)]
        town.clock.moment = local(12, 8)
        town.send()
        assert told(town) == sorted(east + east + west)

    def test_what_is_in_hand_is_waited_for(self, town: Town) -> None:
        half_way(town, 3)
        closes(town, END)
        remind(town, START)
        town.office.attempt_goes("submitted")
        closes(town, END + timedelta(hours=5))
        assert remind(town, local(12, 7)) == 0
        assert [state for _, state in states(town)] == ["cancelled"]
        town.office.now = local(12, 7)
        town.office.attempt_goes("settled")
        assert remind(town, local(12, 7)) == 0
        assert remind(town, local(12, 7, 1)) == 3

    def test_without_an_end_nothing_reminds_of_it(self, town: Town) -> None:
        half_way(town, 1)
        closes(town, END)
        remind(town, START)
        campaigns.pause(town.database, OLD, now=START, actor="cli:budi")
        closes(town, None)
        assert remind(town, local(12, 6, 1)) == 0
        assert states(town) == [(OLD, "cancelled")]
        # back to where it was: what was cancelled stays so, what is to come comes
        closes(town, END)
        assert remind(town, local(12, 6, 2)) == 0
        assert remind(town, local(13, 8)) == 1
        assert states(town) == [(OLD, "cancelled"), ("reminder closing 3h 2021-01-14T00:00+07:00", "running")]

    def test_a_clock_that_is_killed_leaves_it_to_the_next(self, town: Town) -> None:
        half_way(town, 3)
        closes(town, END)
        remind(town, START)
        closes(town, None)
        town.may_have_accidents()
        with town.accident_at("audit"), pytest.raises(DatabaseAway):
            remind(town, local(12, 6, 1))
        assert states(town) == [(OLD, "running")]
        remind(town, local(12, 6, 2))
        assert states(town) == [(OLD, "cancelled")]
        assert town.office.messages() == [("suppressed", "cancelled")] * 3

    def test_a_clock_that_still_has_the_old_end_does_nothing(self, town: Town) -> None:
        half_way(town, 3)
        closes(town, END)
        old = end_in(town.database, "Asia/Jakarta")
        closes(town, END + timedelta(hours=5))
        assert remind(town, START) == 3
        assert remind_of_closing(town.database, POST, old, START) == 0
        assert states(town) == [("reminder closing 24h 2021-01-14T05:00+07:00", "running")]

    def test_other_campaigns_go_on(self, town: Town) -> None:
        town.office.workers(1)
        town.office.running("closing soon")
        town.books("3273", local(13, 10).date(), local(13, 10).time(), MORNING - timedelta(days=2))
        town.clock.moment = local(12, 9)
        assert town.remind() == 1
        closes(town, None)
        remind(town)
        assert {state for _, state in states(town)} == {"running"}
