"""Made-up health workers: names, NIKs, ages, professions and telephone numbers."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

from bot.crypto import Vault
from bot.registration.importing.roster import WorkerRow
from bot.registration.nik import Nik, Sex, make_nik
from bot.registration.sample.names import full_name
from bot.registration.sample.places import SampleFacility

# No Indonesian operator has these prefixes, so that a message to a made-up worker reaches nobody.
_OWN_PREFIX: Final = "+62836"
_WRONG_PREFIX: Final = "+62837"
_NUMBERS: Final = 10**8

_SHARE_WITHOUT_PHONE: Final = 0.02
_SHARE_WITH_WRONG_PHONE: Final = 0.03
#: Of this many workers one shares the phone of the worker before, who is of the same facility and the other sex.
_ONE_SHARES_OF: Final = 200

_SERIALS: Final = 9999
_SUBDISTRICTS: Final = 99
_SHARE_OF_WOMEN: Final = 0.7
_SHARE_TOO_OLD: Final = 0.012
_SHARE_TOO_YOUNG: Final = 0.003
_DAYS_OF_A_YEAR: Final = 365.2425

_PROFESSIONS: Final = (
    ("Perawat", 40),
    ("Dokter umum", 12),
    ("Dokter spesialis", 4),
    ("Dokter gigi", 4),
    ("Apoteker", 4),
    ("Asisten apoteker", 5),
    ("Analis laboratorium", 5),
    ("Ahli gizi", 3),
    ("Sanitarian", 3),
    ("Radiografer", 2),
    ("Fisioterapis", 2),
    ("Perekam medis", 3),
    ("Tenaga administrasi", 8),
    ("Petugas kebersihan", 3),
)
_YOUNGEST: Final = {"Dokter umum": 25, "Dokter gigi": 25, "Apoteker": 24, "Dokter spesialis": 32}
_FOR_WOMEN: Final = (*_PROFESSIONS, ("Bidan", 30))
_FOR_MEN: Final = (*_PROFESSIONS, ("Sopir ambulans", 5))


def own_phone(number: int, seed: int) -> str:
    """The phone that the ``number``-th worker (from 0) of a sample has in truth, whatever the roster says."""
    return f"{_OWN_PREFIX}{_scattered(number, seed):08}"


class SampleWorker(NamedTuple):
    """A made-up worker, as a roster would have them."""

    nik: Nik
    name: str
    birth_date: date
    sex: Sex
    phone: str | None
    district_code: str
    facility_code: str
    profession: str


def sample_workers(
    random: Random, vault: Vault, facilities: Sequence[SampleFacility], places: Sequence[int], year: int, seed: int
) -> Iterator[WorkerRow]:
    """The workers of ``made_up_workers`` as they are staged, their NIKs hashed and sealed."""
    for worker in made_up_workers(random, facilities, places, year, seed):
        yield WorkerRow.of(vault, **worker._asdict())


def made_up_workers(
    random: Random, facilities: Sequence[SampleFacility], places: Sequence[int], year: int, seed: int
) -> Iterator[SampleWorker]:
    """A worker for each of ``places``, which are indexes of their facilities; their ages are those of ``year``."""
    total = len(places)
    first_without = total - round(total * _SHARE_WITHOUT_PHONE)
    first_wrong = first_without - round(total * _SHARE_WITH_WRONG_PHONE)
    in_district: Counter[str] = Counter()
    sex = Sex.FEMALE
    for number, place in enumerate(places):
        facility = facilities[place]
        district = facility.district
        shares = shares_phone(number) and number < first_wrong
        sex = _other(sex) if shares else _sex(random)
        birth_date = _birth_date(random, year)
        in_district[district.code] += 1
        subdistrict, serial = _nik_parts(in_district[district.code])
        yield SampleWorker(
            make_nik(district.code, birth_date, sex, serial, subdistrict=subdistrict),
            name=full_name(random, district.province_code, sex),
            birth_date=birth_date,
            sex=sex,
            phone=_phone(number - shares, seed, first_wrong, first_without),
            district_code=district.code,
            facility_code=facility.row.code,
            profession=_profession(random, sex, year - birth_date.year),
        )


def shares_phone(number: int) -> bool:
    """Whether the ``number``-th worker shares the phone of the one before."""
    return number % _ONE_SHARES_OF == _ONE_SHARES_OF - 1


def _phone(number: int, seed: int, first_wrong: int, first_without: int) -> str | None:
    if number >= first_without:
        return None
    if number >= first_wrong:
        return f"{_WRONG_PREFIX}{_scattered(number, seed):08}"
    return own_phone(number, seed)


def _scattered(number: int, seed: int) -> int:
    """A number of 8 digits, another one for each ``number`` below 100 million."""
    # A multiplier without a factor in common with 10**8 leaves nothing out and meets nothing twice.
    return (number * 38_710_657 + seed * 7_919 + 12_345_678) % _NUMBERS


def _nik_parts(count: int) -> tuple[int, int]:
    """Sub-district and serial, other ones for each ``count`` below 989,901."""
    scattered = count * 404_671 % (_SUBDISTRICTS * _SERIALS)
    return scattered // _SERIALS + 1, scattered % _SERIALS + 1


def _sex(random: Random) -> Sex:
    return Sex.FEMALE if random.random() < _SHARE_OF_WOMEN else Sex.MALE


def _other(sex: Sex) -> Sex:
    return Sex.MALE if sex is Sex.FEMALE else Sex.FEMALE


def _birth_date(random: Random, year: int) -> date:
    """Somebody of 20 to 58 for all of ``year``; a few are younger than 18 or older than 59."""
    chance = random.random()
    if chance < _SHARE_TOO_OLD:
        age = random.uniform(60.1, 67)
    elif chance < _SHARE_TOO_OLD + _SHARE_TOO_YOUNG:
        age = random.uniform(16, 16.9)
    else:
        age = random.triangular(20.1, 57.9, 31)
    return date(year, 1, 1) - timedelta(days=int(age * _DAYS_OF_A_YEAR))


_NAMES_AND_WEIGHTS: Final = {
    sex: ([name for name, _ in table], list(itertools.accumulate(weight for _, weight in table)))
    for sex, table in ((Sex.FEMALE, _FOR_WOMEN), (Sex.MALE, _FOR_MEN))
}


def _profession(random: Random, sex: Sex, age: int) -> str:
    names, weights = _NAMES_AND_WEIGHTS[sex]
    profession = random.choices(names, cum_weights=weights)[0]
    return profession if age >= _YOUNGEST.get(profession, 0) else "Perawat"
