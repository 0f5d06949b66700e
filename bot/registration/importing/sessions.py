"""Vaccination sessions: on which day, at which hours and for how many people a facility vaccinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import ClassVar, Final, LiteralString, NamedTuple

from bot.registration.importing.cells import BadCell, read_code, read_date, read_time, read_whole
from bot.registration.importing.facilities import LONGEST_CODE
from bot.registration.importing.importer import Connection, Importer, Merged, Notice
from bot.registration.importing.report import Kind
from bot.registration.importing.staging import reject_unknown, upsert

HIGHEST_CAPACITY: Final = 10_000
HIGHEST_DOSE: Final = 9


class SessionRow(NamedTuple):
    """A vaccination session as it is staged."""

    facility_code: str
    dose: int
    local_date: date
    start_time: time
    end_time: time
    capacity: int


class SessionImporter(Importer):
    """Imports vaccination sessions; ``today`` is the day before which a date lies in the past."""

    kind = Kind.SESSIONS
    required = ("facility_code", "date", "start", "end", "capacity")
    optional = ("dose",)
    free_text = frozenset()
    staged = "staged_session"
    types: ClassVar[Mapping[LiteralString, LiteralString]] = {
        "facility_code": "text",
        "dose": "int2",
        "local_date": "date",
        "start_time": "time",
        "end_time": "time",
        "capacity": "int4",
    }
    target = "vaccination_session"
    key = ("facility_code", "dose", "local_date", "start_time")
    key_column = "start"
    key_words = "the same facility, dose, date and start"

    def __init__(self, today: date) -> None:
        self._today = today

    def read(self, cells: Sequence[str]) -> tuple[SessionRow, Notice]:
        facility_code, day, start, end, capacity, dose = cells
        session = SessionRow(
            facility_code=read_code(facility_code, "facility_code", LONGEST_CODE),
            dose=read_whole(dose or "1", "dose", 1, HIGHEST_DOSE),
            local_date=read_date(day, "date"),
            start_time=read_time(start, "start"),
            end_time=read_time(end, "end"),
            capacity=read_whole(capacity, "capacity", 1, HIGHEST_CAPACITY),
        )
        if session.end_time <= session.start_time:
            raise BadCell("end", "is not after the start")
        return session, Notice.PAST if session.local_date < self._today else Notice.NONE

    def check(self, connection: Connection) -> None:
        reject_unknown(connection, "staged_session", "facility_code", "facility")
        # Locked, so that no place is taken between this judgement and the merge.
        connection.execute(
            """
            SELECT FROM vaccination_session v JOIN facility f ON f.id = v.facility_id
            JOIN staged_session s ON (s.facility_code, s.dose, s.local_date, s.start_time)
                = (f.code, v.dose, v.local_date, v.start_time)
            WHERE s.rejected_reason IS NULL AND s.capacity < v.capacity ORDER BY v.id FOR UPDATE OF v
            """
        )
        connection.execute(
            """
            UPDATE staged_session s
            SET rejected_column = 'capacity',
                rejected_reason = 'is ' || s.capacity || ', below the ' || v.taken || ' places already taken'
            FROM vaccination_session v JOIN facility f ON f.id = v.facility_id
            WHERE s.rejected_reason IS NULL AND s.capacity < v.taken
                AND (s.facility_code, s.dose, s.local_date, s.start_time)
                = (f.code, v.dose, v.local_date, v.start_time)
            """
        )

    def merge(self, connection: Connection, present: frozenset[str], now: datetime) -> Merged:
        return upsert(
            connection,
            "vaccination_session",
            """
            SELECT s.*, f.id AS facility_id,
                (s.local_date + s.start_time) AT TIME ZONE d.time_zone AS starts_at,
                (s.local_date + s.end_time) AT TIME ZONE d.time_zone AS ends_at
            FROM staged_session s JOIN facility f ON f.code = s.facility_code
            JOIN district d ON d.code = f.district_code WHERE s.rejected_reason IS NULL
            """,
            key=("facility_id", "dose", "local_date", "start_time"),
            compared=("end_time", "starts_at", "ends_at", "capacity"),
            now=now,
        )
