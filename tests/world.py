"""A small world to talk about: districts, facilities, sessions and workers, all made up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from bot.crypto import Vault
from bot.db.database import Database

DATA_KEY = "dGVzdHMgbmVlZCBhIGtleSBvZiAzMiBieXRlcyEhISE="
#: 13 January 2021, 09.00 WIB.
MORNING = datetime(2021, 1, 13, 2, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Worker:
    """A worker of the made-up roster, with what only they know."""

    id: int
    nik: str
    name: str
    birth_date: date
    phone: str | None

    @property
    def typed_birth_date(self) -> str:
        return f"{self.birth_date:%d%m%Y}"


@dataclass
class World:
    """Writes rows as the importers would."""

    database: Database
    vault: Vault = field(default_factory=lambda: Vault(DATA_KEY))
    now: datetime = MORNING
    _serial: count[int] = field(default_factory=lambda: count(1))

    def district(self, code: str = "3273", name: str = "Kota Bandung", zone: str = "Asia/Jakarta") -> str:
        self.database.rows(
            "INSERT INTO district (code, name, province_code, province, time_zone) VALUES (%s, %s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            (code, name, code[:2], "Jawa Barat", zone),
        )
        return code

    def facility(self, name: str = "Puskesmas Melati", district: str = "3273", code: str | None = None) -> int:
        found: int = self.database.value(
            "INSERT INTO facility (code, name, district_code) VALUES (%s, %s, %s) RETURNING id",
            (code or f"F{next(self._serial):04d}", name, district),
        )
        return found

    def session(
        self,
        facility: int,
        *,
        capacity: int = 10,
        day: date = date(2021, 1, 14),
        start: time = time(8),
        end: time = time(10),
        zone: str = "Asia/Jakarta",
    ) -> int:
        here = ZoneInfo(zone)
        found: int = self.database.value(
            "INSERT INTO vaccination_session (facility_id, local_date, start_time, end_time, starts_at, ends_at, capacity) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id",
            (
                facility,
                day,
                start,
                end,
                datetime.combine(day, start, here),
                datetime.combine(day, end, here),
                capacity,
            ),
        )
        return found

    def worker(
        self,
        facility: int | None,
        *,
        name: str = "Siti Wulandari",
        birth_date: date = date(1985, 8, 17),
        phone: str | None = "",
        district: str = "3273",
        sex: str = "F",
    ) -> Worker:
        number = next(self._serial)
        day = birth_date.day + (40 if sex == "F" else 0)
        nik = f"{district}01{day:02d}{birth_date:%m%y}{number:04d}"
        if phone == "":
            phone = f"+62812{number:08d}"
        worker_id: int = self.database.value(
            "INSERT INTO worker (nik_hash, nik_sealed, nik_tail, name, birth_date, sex, phone, district_code, "
            "facility_id, created_at, updated_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
            (
                self.vault.hash(nik),
                self.vault.seal(nik, "nik"),
                nik[-4:],
                name,
                birth_date,
                sex,
                phone,
                district,
                facility,
                self.now,
                self.now,
            ),
        )
        return Worker(worker_id, nik, name, birth_date, phone)

    def booking(self, worker: Worker) -> tuple[str, str | None, int] | None:
        """The worker's confirmed booking: (state, ticket, session id)."""
        row = self.database.row(
            "SELECT state, ticket, session_id FROM booking WHERE worker_id = %s AND state IN ('booked', 'attended')",
            (worker.id,),
        )
        return None if row is None else (row[0], row[1], row[2])

    def taken(self, session: int) -> int:
        found: int = self.database.value("SELECT taken FROM vaccination_session WHERE id = %s", (session,))
        return found

    def messages(self, phone: str, kind: str | None = None) -> list[str]:
        """The bodies of what was written to a phone, in order."""
        rows = self.database.rows(
            "SELECT body FROM message WHERE phone = %(phone)s AND (%(kind)s::text IS NULL OR kind = %(kind)s) ORDER BY id",
            {"phone": phone, "kind": kind},
        )
        return [body for (body,) in rows]


def tomorrow(hour: int = 8) -> tuple[date, time]:
    """A day and hour for a session, after ``MORNING``."""
    return (MORNING + timedelta(days=1)).date(), time(hour)
