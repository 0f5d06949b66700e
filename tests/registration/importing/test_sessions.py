"""Importing vaccination sessions."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time
from typing import Any

import psycopg
import pytest

from bot.registration.importing import ImportReport
from tests.embedded.waiting import eventually
from tests.registration.importing.conftest import Registry, counts, reasons, warnings

MORNING = "P1,2021-01-14,08:00,09:00,10,1"


def take(registry: Registry, places: int) -> None:
    registry.database.rows("UPDATE vaccination_session SET taken = %s", [places])


def test_hours_are_local_and_moments_utc(registry: Registry) -> None:
    registry.sessions(*(f"{code},2021-01-14,08:00,15:00,10," for code in ("P1", "P2", "P3")))
    assert registry.database.rows(
        "SELECT start_time, end_time, starts_at, ends_at, dose FROM vaccination_session ORDER BY facility_id"
    ) == [
        (
            time(8),
            time(15),
            datetime(2021, 1, 14 if hour >= 0 else 13, hour % 24, tzinfo=UTC),
            datetime(2021, 1, 14, hour + 7, tzinfo=UTC),
            1,
        )
        for hour in (1, 0, -1)
    ]


def test_twice_changes_nothing_and_a_changed_row_updates(registry: Registry) -> None:
    registry.sessions(MORNING)
    take(registry, 4)
    before = registry.database.rows("SELECT *, xmin::text FROM vaccination_session")
    assert counts(registry.sessions(MORNING)) == (0, 0, 1, 0)
    assert registry.database.rows("SELECT *, xmin::text FROM vaccination_session") == before
    assert counts(registry.sessions("P1,2021-01-14,08:00,10:00,12,1")) == (0, 1, 0, 0)
    assert registry.database.row("SELECT end_time, ends_at, capacity, taken FROM vaccination_session") == (
        time(10),
        datetime(2021, 1, 14, 3, tzinfo=UTC),
        12,
        4,
    )


def test_sessions_may_overlap_and_differ_by_dose(registry: Registry) -> None:
    report = registry.sessions(MORNING, "P1,2021-01-14,08:30,09:30,10,1", "P1,2021-01-14,08:00,09:00,10,2")
    assert counts(report) == (3, 0, 0, 0)


@pytest.mark.parametrize("spelling", ["8:00", "08.00", "08:00:00"])
def test_hours_as_spreadsheets_write_them(registry: Registry, spelling: str) -> None:
    registry.sessions(MORNING)
    assert counts(registry.sessions(MORNING.replace("08:00", spelling))) == (0, 0, 1, 0)


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (",2021-01-14,08:00,09:00,10,1", "facility_code", "is empty"),
        ("P9,2021-01-14,08:00,09:00,10,1", "facility_code", "is not the code of a known facility"),
        ("P1,14/01/2021,08:00,09:00,10,1", "date", "is not a date written YYYY-MM-DD, such as 1985-08-17"),
        ("P1,2021-01-14,8,09:00,10,1", "start", "is not a time written HH:MM, such as 08:00"),
        ("P1,2021-01-14,08:00,24:00,10,1", "end", "is not a time of the day"),
        ("P1,2021-01-14,08:00,,10,1", "end", "is empty"),
        ("P1,2021-01-14,09:00,08:00,10,1", "end", "is not after the start"),
        ("P1,2021-01-14,09:00,09:00,10,1", "end", "is not after the start"),
        ("P1,2021-01-14,08:00,09:00,0,1", "capacity", "is not a whole number from 1 to 10000"),
        ("P1,2021-01-14,08:00,09:00,10001,1", "capacity", "is not a whole number from 1 to 10000"),
        ("P1,2021-01-14,08:00,09:00,-5,1", "capacity", "is not a whole number from 1 to 10000"),
        ("P1,2021-01-14,08:00,09:00,2.5,1", "capacity", "is not a whole number from 1 to 10000"),
        ("P1,2021-01-14,08:00,09:00,,1", "capacity", "is empty"),
        ("P1,2021-01-14,08:00,09:00,10,0", "dose", "is not a whole number from 1 to 9"),
    ],
)
def test_a_session_that_cannot_be_right_is_kept_out(registry: Registry, row: str, column: str, reason: str) -> None:
    report = registry.sessions("P2,2021-01-14,08:00,09:00,10,1", row)
    assert reasons(report) == [(3, column, reason)]
    assert counts(report) == (1, 0, 0, 1)


def test_one_session_twice_in_a_file(registry: Registry) -> None:
    report = registry.sessions(MORNING, MORNING.replace(",10,", ",20,"))
    assert reasons(report) == [(3, "start", "is the same facility, dose, date and start as on line 2")]


def test_capacity_cannot_fall_below_what_is_taken(registry: Registry) -> None:
    registry.sessions(MORNING)
    take(registry, 7)
    assert reasons(registry.sessions(MORNING.replace(",10,", ",6,"))) == [
        (2, "capacity", "is 6, below the 7 places already taken")
    ]
    assert counts(registry.sessions(MORNING.replace(",10,", ",7,"))) == (0, 1, 0, 0)


def test_a_date_in_the_past_goes_in_with_a_warning(registry: Registry) -> None:
    report = registry.sessions(MORNING, "P1,2020-01-14,08:00,09:00,10,1")
    assert counts(report) == (2, 0, 0, 0)
    assert warnings(report) == {"the date lies in the past": (3,)}


class Importing(threading.Thread):
    """An import that runs beside the test."""

    def __init__(self, registry: Registry, *rows: str) -> None:
        super().__init__()
        self._registry = registry
        self._rows = rows
        self.report: ImportReport | None = None
        self.start()

    def run(self) -> None:
        self.report = self._registry.sessions(*self._rows)

    def waits(self) -> None:
        """Wait until it waits for a lock."""
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        eventually(lambda: self._registry.column(waiting) == [1])

    def ends(self) -> ImportReport:
        self.join(30)
        assert self.report is not None
        return self.report


def test_a_place_taken_during_the_import_is_seen(registry: Registry, database_url: str) -> None:
    registry.sessions(MORNING)
    with psycopg.connect(database_url) as worker:
        worker.execute("UPDATE vaccination_session SET taken = 9")
        importing = Importing(registry, MORNING.replace(",10,", ",8,"))
        importing.waits()
        worker.commit()
    assert counts(importing.ends()) == (0, 0, 0, 1)
    assert registry.database.row("SELECT capacity, taken FROM vaccination_session") == (10, 9)


def test_a_deadlock_with_a_conversation_costs_the_import_a_second_try_and_nothing_else(
    registry: Registry, database_url: str
) -> None:
    evening = "P1,2021-01-14,15:00,16:00,10,1"
    registry.sessions(MORNING, evening)
    first, second = registry.column("SELECT id FROM vaccination_session ORDER BY id")

    def take_place(connection: psycopg.Connection[Any], session: int) -> None:
        connection.execute("UPDATE vaccination_session SET taken = taken + 1 WHERE id = %s", [session])

    # The conversation is patient, so it is the import that PostgreSQL interrupts.
    with psycopg.connect(database_url, options="-c deadlock_timeout=60s") as worker:
        take_place(worker, second)
        importing = Importing(registry, MORNING.replace(",10,", ",8,"), evening.replace(",10,", ",9,"))
        importing.waits()
        take_place(worker, first)
        worker.commit()
    assert counts(importing.ends()) == (0, 2, 0, 0)
    assert registry.database.rows("SELECT capacity, taken FROM vaccination_session ORDER BY id") == [(8, 1), (9, 1)]
