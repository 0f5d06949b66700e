"""Who is on the roster, in an order that is the same for the same seed, and the numbers that they have in truth."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from bot.crypto import Vault
from bot.db.database import Database
from bot.registration.nik import Sex, make_nik
from bot.registration.sample import own_phone
from bot.registration.sealed_nik import open_nik

#: Digits that all phones of a sample begin with which are right.
_PREFIX = 6
_ROSTER = """
SELECT w.district_code, d.time_zone, w.phone, w.birth_date, CASE WHEN w.phone LIKE %(own)s THEN NULL ELSE w.nik_sealed END
FROM worker w JOIN district d ON d.code = w.district_code ORDER BY w.id
"""


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody on the roster. ``number``: their place in it, the same in every run; ``own``: the phone that they call from,
    which the roster does not have for a stranger; ``nik``: of strangers alone."""

    number: int
    district: str
    time_zone: str
    phone: str | None
    own: str
    birth_date: date
    nik: str = ""

    @property
    def is_stranger(self) -> bool:
        """Whether their phone is not the roster's."""
        return self.own != self.phone


@dataclass(frozen=True)
class Roster:
    """Everybody. ``sharing``: of a phone that several have, the numbers of these workers."""

    workers: list[Worker]
    seed: int
    sharing: dict[str, list[int]] = field(default_factory=dict)

    def unlisted(self, number: int) -> tuple[str, str, date]:
        """Somebody who is on no list: phone, NIK and birth date."""
        born = date(1970 + number % 30, 1 + number % 12, 1 + number % 28)
        # The sample has no sub-district 99 with these serials.
        nik = make_nik("3171", born, Sex.FEMALE, 9_000 + number % 999, subdistrict=99)
        return own_phone(2 * len(self.workers) + number, self.seed), nik.text, born


def read_roster(database: Database, vault: Vault, seed: int) -> Roster:
    """The roster as it was made up with ``seed``, in the order in which it was entered."""
    rows = database.rows(_ROSTER, {"own": own_phone(0, seed)[:_PREFIX] + "%"})
    workers = []
    by_phone = defaultdict(list)
    for number, (district, time_zone, phone, born, sealed) in enumerate(rows):
        stranger = sealed is not None
        own = own_phone(len(rows) + number, seed) if stranger else phone
        nik = open_nik(vault, sealed) if stranger else ""
        workers.append(Worker(number, district, time_zone, phone, own, born, nik))
        if phone is not None:
            by_phone[phone].append(number)
    return Roster(workers, seed, {phone: numbers for phone, numbers in by_phone.items() if len(numbers) > 1})
