"""Figures made ready: they say what the tables say, of every place, and add up what comes in between."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest

from bot.campaigns.progress import progress
from bot.clock import FileClock, ManualClock, set_file_clock
from bot.db.database import Database
from bot.evaluation import curve, figures
from bot.evaluation.counts import Counts, funnel
from bot.evaluation.curve import curve_of
from bot.evaluation.places import Place
from bot.evaluation.standing import standing
from bot.registration import rounds
from tests.evaluation.town import Town


@pytest.fixture
def town(database_url: str) -> Town:
    return Town(Database(database_url, limit=10))


def counts(town: Town, place: Place | None = None) -> Counts:
    found = standing(town.database, place or Place())
    assert found is not None
    return found.counts


def test_before_the_first_count_there_are_none(town: Town) -> None:
    assert standing(town.database, Place()) is None


def test_they_agree_with_progress_district_by_district(town: Town) -> None:
    town.goes_its_way()
    town.counts()
    told = progress(town.database, town.clock.now())
    found = standing(town.database, Place())
    assert found is not None
    assert [part.code for part in found.parts] == [district.code for district in told.districts]
    for part, district in zip(found.parts, told.districts, strict=True):
        for name in ("target", "invited", "delivered", "started", "registered", "places_left"):
            assert getattr(part.counts, name) == getattr(district, name), (part.code, name)
    assert (found.counts.target, found.counts.registered) == (told.target, told.registered)


def test_every_step_of_the_way_is_counted(town: Town) -> None:
    town.goes_its_way()
    town.counts()
    bandung = counts(town, Place("32", "3273"))
    assert bandung == Counts(
        target=8,
        with_phone=7,
        invited=6,
        delivered=5,
        started=4,
        verified=3,
        screened=2,
        registered=2,
        attended=1,
        silent=1,
        places_left=8,
    )
    assert bandung.needed == 6
    steps = {step.name: step.lost for step in funnel(bandung)}
    assert steps["target"] is None
    assert (steps["with_phone"], steps["screened"], steps["registered"], steps["attended"]) == (1, 1, 0, 1)


def test_a_district_is_the_sum_of_its_facilities_and_of_those_without_one(town: Town) -> None:
    town.goes_its_way()
    town.counts()
    found = standing(town.database, Place("32", "3273"))
    assert found is not None
    parts = {part.name: part.counts.target for part in found.parts}
    assert parts == {"Puskesmas Melati": 5, "Without a facility": 2, "At a facility of another district": 1}
    whole = counts(town, Place(facility_id=town.facility))
    within = counts(town, Place("32", "3273", town.facility))
    # one of its workers lives in the other district
    assert (whole.target, within.target) == (6, 5)


def test_what_happened_since_the_last_look_is_counted_at_every_place(town: Town) -> None:
    people = town.lives_here(30)
    for worker in people[:10]:
        town.books(worker)
    assert town.counts()
    town.clock.moment += timedelta(seconds=5)
    for worker in people[10:15]:
        town.books(worker)
    town.cancels(people[0])
    assert counts(town).registered == 10
    assert town.counts()
    found = standing(town.database, Place())
    assert found is not None
    assert found.counts.registered == progress(town.database, town.clock.now()).registered == 14
    assert found.as_of == found.people_as_of == town.clock.moment
    for place in (
        Place("32", "3273"),
        Place("32"),
        Place("32", "3273", town.facility),
        Place(None, None, town.facility),
    ):
        assert counts(town, place).registered == 14


def test_a_booking_that_was_committed_late_is_counted(town: Town) -> None:
    early, late = town.lives_here(2)
    town.books(early)
    began = town.clock.moment
    town.clock.moment += timedelta(seconds=60)
    town.counts()
    town.books(late, at=began)
    town.clock.moment += timedelta(seconds=5)
    town.counts()
    assert sum(net for _, net in curve_of(town.database, Place(), town.clock.moment).steps) == 2


def test_on_a_clock_that_runs_fast_a_commit_is_late_by_more(town: Town, tmp_path: Path) -> None:
    [late] = town.lives_here(1)
    town.counts()
    started, town.clock.moment = town.clock.moment, town.clock.moment + timedelta(minutes=10)
    file = tmp_path / "clock.json"
    set_file_clock(file, town.clock.moment, pace=120.0)
    assert figures.make(town.database, FileClock(file))
    town.database.rows("UPDATE worker SET started_at = %s WHERE id = %s", (started, late))
    set_file_clock(file, town.clock.moment + timedelta(minutes=5), pace=120.0)
    assert figures.make(town.database, FileClock(file))
    assert counts(town).started == 1


def test_the_curve_tells_what_was_so_at_each_moment(town: Town) -> None:
    people = town.lives_here(4)
    start = datetime(2021, 1, 13, 2, 0, tzinfo=UTC)
    town.books(people[0], at=start + timedelta(minutes=1))
    town.books(people[1], at=start + timedelta(minutes=14))
    town.books(people[2], at=start + timedelta(minutes=40))
    town.cancels(people[0], at=start + timedelta(minutes=50))
    town.clock.moment = start + timedelta(minutes=55)
    town.counts()
    found = curve_of(town.database, Place("32", "3273"), town.clock.moment)
    assert found.steps == ((start, 2), (start + timedelta(minutes=30), 1), (start + timedelta(minutes=45), -1))
    assert found.cumulative() == [
        (start, 0),
        (start + timedelta(minutes=15), 2),
        (start + timedelta(minutes=30), 2),
        (start + timedelta(minutes=45), 3),
        (town.clock.moment, 2),
    ]
    assert found.counts(start, start + timedelta(hours=1)) == [2, 0, 1, -1]
    assert found.by_hour(start - timedelta(hours=1), 3) == [0, 2, 0]
    assert curve_of(town.database, Place("73", "7371"), town.clock.moment).steps == ()


def test_a_change_of_place_is_no_step_back(town: Town) -> None:
    [worker] = town.lives_here(1)
    town.books(worker)
    town.cancels(worker, state="changed")
    town.books(worker)
    town.counts()
    assert counts(town).registered == 1
    assert [net for _, net in curve_of(town.database, Place(), town.clock.moment).steps] == [1]


def test_who_moves_is_found_by_the_daily_recount(town: Town) -> None:
    [worker] = town.lives_here(1)
    town.books(worker)
    town.counts()
    town.clock.moment += timedelta(hours=1)
    town.counts()
    town.database.rows("UPDATE worker SET domicile_code = '7371' WHERE id = %s", (worker,))
    town.clock.moment += timedelta(hours=22)
    town.counts()
    assert curve_of(town.database, Place("32", "3273"), town.clock.moment).steps != ()
    town.clock.moment += timedelta(hours=1)
    town.counts()
    assert curve_of(town.database, Place("32", "3273"), town.clock.moment).steps == ()
    assert [net for _, net in curve_of(town.database, Place("73", "7371"), town.clock.moment).steps] == [1]


def test_one_counts_at_a_time(town: Town) -> None:
    with town.database.transaction() as other:
        other.execute(figures._LOCK)
        assert not town.counts()
    assert town.counts()


def test_figures_that_nobody_makes_are_late(town: Town) -> None:
    town.counts()
    found = standing(town.database, Place())
    assert found is not None
    assert not found.is_late(town.clock.moment + timedelta(seconds=15))
    assert found.is_late(town.clock.moment + timedelta(seconds=60))


def test_a_step_begins_on_the_quarter() -> None:
    moment = datetime(2021, 1, 13, 2, 29, 59, tzinfo=UTC)
    assert curve.beginning(moment) == datetime(2021, 1, 13, 2, 15, tzinfo=UTC)
    assert ManualClock(moment).now().date() == date(2021, 1, 13)


def test_what_is_added_up_stays_what_is_so(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens between two looks, and though nearly nobody comes up in turn."""
    random = Random(13)
    people = town.lives_here(40) + [town.world.worker(town.other_facility, district="7371").id for _ in range(10)]
    town.counts()
    monkeypatch.setattr(rounds, "IN_TURN", 1)
    happens: tuple[Callable[[int], object], ...] = (
        lambda worker: town.marks("started_at", worker),
        lambda worker: town.marks("verified_at", worker),
        lambda worker: town.books(worker, state=random.choice(["booked", "attended"])),
        lambda worker: town.cancels(worker, state=random.choice(["cancelled", "changed"])),
        lambda worker: town.moves(worker, random.choice(["3273", "7371"])),
        lambda worker: town.hears_from_a_campaign(worker, random.choice(["accepted", "delivered", "rejected"])),
        lambda worker: town.gets_a_phone(worker, random.choice([None, "+628120001"])),
    )
    for _ in range(30):
        for worker in random.sample(people, 6):
            with contextlib.suppress(psycopg.errors.UniqueViolation):
                random.choice(happens)(worker)
        assert town.counts()
        told = {district.code: district for district in progress(town.database, town.clock.now()).districts}
        found = standing(town.database, Place())
        assert found is not None
        for part in found.parts:
            for name in ("target", "invited", "delivered", "started", "registered", "places_left"):
                assert getattr(part.counts, name) == getattr(told[part.code], name), (part.code, name)
        with_phone = town.database.value("SELECT count(phone) FROM worker")
        assert found.counts.with_phone == with_phone
        town.clock.moment += timedelta(seconds=5)


def test_who_is_deleted_is_no_longer_counted_once_their_turn_comes(town: Town) -> None:
    one, _ = town.lives_here(2)
    town.counts()
    town.database.rows("DELETE FROM worker WHERE id = %s", (one,))
    town.clock.moment += timedelta(seconds=5)
    town.counts()
    assert counts(town).target == 1
