"""Second notices: to whom a blast could not reach, at the number that the roster has been corrected to."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta

import psycopg
import pytest

from bot.campaigns.second_notices import send_second_notices
from bot.db.database import Database, DatabaseAway
from tests.campaigns.town import JAKARTA, PLACES, POST, Town, local
from tests.embedded.waiting import eventually
from tests.world import MORNING

# Whoever writes messages waits then, with what they have written still uncommitted.
_BARRIER = (
    """CREATE FUNCTION wait_at_barrier() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(1);
        RETURN NULL;
    END $$""",
    "CREATE TRIGGER barrier AFTER INSERT ON message FOR EACH STATEMENT EXECUTE FUNCTION wait_at_barrier()",
)


def notices(town: Town, now: datetime | None = None) -> int:
    return send_second_notices(town.database, POST, JAKARTA, now or town.clock.now())


def corrected(town: Town, people: int) -> list[str]:
    """A blast that reached nobody, and the numbers that its people really have."""
    workers = town.office.workers(people)
    town.office.running()
    town.office.messages_go("rejected", "no such number", attempt=town.office.attempt_goes("settled"))
    numbers = [f"+62813{each:08d}" for each in range(people)]
    for worker, number in zip(workers, numbers, strict=True):
        town.database.rows("UPDATE worker SET phone = %s WHERE id = %s", (number, worker))
    return numbers


def noticed(town: Town) -> list[str]:
    """The numbers to which second notices have been written."""
    rows = town.database.rows("SELECT phone FROM message WHERE kind = 'reminder' ORDER BY phone")
    return [phone for (phone,) in rows]


@contextmanager
def barrier(database: Database, waiting: int) -> Iterator[None]:
    """Hold up whoever writes messages meanwhile; at the end, wait until so many clocks wait, for us or for one another."""
    for statement in _BARRIER:
        database.rows(statement)
    held_up = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(database.url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(1)")
        yield
        eventually(lambda: database.value(held_up) == waiting)


def test_go_once_to_a_corrected_number(town: Town) -> None:
    worker, _ = town.office.workers(2)
    town.office.running()
    town.office.messages_go("rejected", "no such number", attempt=town.office.attempt_goes("settled"))
    assert notices(town) == 0
    town.database.rows("UPDATE worker SET phone = '+6281399999999' WHERE id = %s", (worker,))
    assert notices(town) == 1
    town.clock.moment += timedelta(days=1)
    assert notices(town) == 0
    town.send()
    assert [number for number, _, _ in town.took] == ["+6281399999999"]
    town.database.rows("UPDATE worker SET phone = '+6281388888888' WHERE id = %s", (worker,))
    town.clock.moment += timedelta(days=1)
    assert notices(town) == 0  # the blast's deadline is over


def test_do_not_go_to_the_registered(town: Town) -> None:
    booked = town.books("3273", date(2021, 1, 20), time(8), MORNING)
    town.office.running(audience={"states": ["booked"]})
    town.office.messages_go("rejected", "x", attempt=town.office.attempt_goes("settled"))
    town.database.rows("UPDATE worker SET phone = '+6281399999999' WHERE phone = %s", (booked.phone,))
    assert notices(town) == 0


def test_two_clocks_across_midnight_write_nobody_twice(town: Town) -> None:
    numbers = corrected(town, 7)
    before, after = local(13, 23, 59), local(14, 0)
    with ThreadPoolExecutor(2) as two:
        with barrier(town.database, waiting=2):
            clocks = [two.submit(notices, town, moment) for moment in (before, after)]
        assert sorted(clock.result() for clock in clocks) == [0, 7]
    assert noticed(town) == numbers
    [(name,)] = town.database.rows("SELECT name FROM campaign WHERE kind = 'reminder'")
    assert name.startswith("second notice 2021-01-1")
    assert notices(town, after) == 0


@pytest.mark.parametrize("place", PLACES)
def test_a_clock_that_is_killed_leaves_nothing_to_the_next(town: Town, place: str) -> None:
    numbers = corrected(town, 7)
    town.may_have_accidents()
    with town.accident_at(place), pytest.raises(DatabaseAway):
        notices(town, local(13, 23, 59))
    assert noticed(town) == []
    assert town.database.value("SELECT count(*) FROM campaign WHERE kind = 'reminder'") == 0
    assert notices(town, local(14, 0)) == 7
    assert noticed(town) == numbers
    assert notices(town, local(14, 0, 10)) == 0
