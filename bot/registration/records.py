"""What is on record, as officers read it: one worker's state, a facility's day list."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from bot.crypto import Vault
from bot.db import audit
from bot.db.database import Database
from bot.phone import NotAPhone, parse_phone
from bot.registration.nik import is_nik_form
from bot.registration.sealed_nik import open_nik


@dataclass(frozen=True, slots=True)
class BookingRecord:
    """A confirmed place, in the district's time (``time_zone``: IANA)."""

    facility_code: str
    date: str
    start: str
    end: str
    time_zone: str
    dose: int
    ticket: str
    status: str


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker on the roster, the NIK by its last four digits."""

    name: str
    nik: str
    phone: str | None
    district_code: str
    state: str
    language: str
    opted_out: bool
    booking: BookingRecord | None

    def as_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return asdict(self)


_WORKER = """
SELECT w.name, w.nik_tail, w.phone, coalesce(w.domicile_code, w.district_code), st.state, w.language,
       EXISTS (SELECT 1 FROM opt_out o WHERE o.phone = w.phone),
       f.code, s.local_date, s.start_time, s.end_time, d.time_zone, b.dose, b.ticket, b.state
FROM worker w
JOIN worker_state st ON st.worker_id = w.id
LEFT JOIN LATERAL (
    SELECT * FROM booking WHERE worker_id = w.id AND state IN ('booked', 'attended', 'no_show')
    ORDER BY booked_at DESC LIMIT 1) b ON true
LEFT JOIN vaccination_session s ON s.id = b.session_id
LEFT JOIN facility f ON f.id = s.facility_id
LEFT JOIN district d ON d.code = f.district_code
"""


def find_workers(database: Database, vault: Vault, phone_or_nik: str) -> list[WorkerRecord]:
    """The workers with this NIK, or (several may share it) with this phone. Raises ``NotAPhone`` for neither."""
    text = phone_or_nik.strip()
    if is_nik_form(text):
        rows = database.rows(_WORKER + "WHERE w.nik_hash = ANY(%s)", (vault.hashes(text),))
    elif text.isdecimal() and len(text) == 16:
        raise NotAPhone("this is no NIK: its birth date or serial cannot be")
    else:
        rows = database.rows(_WORKER + "WHERE w.phone = %s ORDER BY w.id", (parse_phone(text),))
    return [_worker(row) for row in rows]


def _worker(row: Any) -> WorkerRecord:
    booking = None
    if row[7] is not None:
        booking = BookingRecord(
            row[7],
            row[8].isoformat(),
            f"{row[9]:%H:%M}",
            f"{row[10]:%H:%M}",
            row[11],
            row[12],
            row[13],
            row[14],
        )
    return WorkerRecord(row[0], f"************{row[1]}", row[2], row[3], row[4], row[5], row[6], booking)


_DAY_LIST = """
SELECT b.ticket, w.name, w.nik_sealed, w.nik_tail, coalesce(w.phone, b.phone), s.start_time, s.end_time, b.dose, b.state
FROM booking b
JOIN vaccination_session s ON s.id = b.session_id
JOIN facility f ON f.id = s.facility_id
JOIN worker w ON w.id = b.worker_id
WHERE f.code = %s AND s.local_date = %s AND b.state IN ('booked', 'attended', 'no_show')
ORDER BY s.start_time, w.name, b.id
"""

#: The columns of a day list, in their order.
DAY_COLUMNS = ("ticket", "name", "nik", "phone", "start", "end", "dose", "status")


class NoSuchFacility(LookupError):
    """There is no facility with that code."""


def day_list(
    database: Database,
    vault: Vault,
    facility_code: str,
    day: date,
    *,
    with_nik: bool,
    now: datetime,
    actor: str,
    reason: str | None = None,
) -> list[dict[str, Any]]:
    """A facility's bookings of a day. Whole NIKs only ``with_nik``, which goes to the audit log with its ``reason``."""
    if database.row("SELECT 1 FROM facility WHERE code = %s", (facility_code,)) is None:
        raise NoSuchFacility(facility_code)
    rows = database.rows(_DAY_LIST, (facility_code, day))
    if with_nik:
        with database.transaction() as connection:
            detail: dict[str, object] = {"date": day.isoformat(), "rows": len(rows)}
            if reason is not None:
                detail["reason"] = reason
            audit.record(connection, now, actor, "bookings.export-with-nik", f"facility:{facility_code}", detail)
    return [
        dict(
            zip(
                DAY_COLUMNS,
                (
                    ticket,
                    name,
                    open_nik(vault, sealed) if with_nik else f"************{tail}",
                    phone,
                    f"{start:%H:%M}",
                    f"{end:%H:%M}",
                    dose,
                    state,
                ),
                strict=True,
            )
        )
        for ticket, name, sealed, tail, phone, start, end, dose, state in rows
    ]
