"""Made-up facilities in real districts."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from bot.registration.importing.districts import DistrictRow
from bot.registration.importing.facilities import FacilityRow
from bot.registration.sample.apportioning import apportion

_DISTRICTS: Final = Path(__file__).parent.parent / "districts.csv"
_FACILITIES_PER_WORKER: Final = 27 / 1000


def _listed(text: str, separator: str | None = None) -> tuple[str, ...]:
    return tuple(text.split(separator))


#: Cities with several times as many health workers as most others.
_LARGE: Final = frozenset(
    _listed("1271 1371 1471 1671 1871 3171 3172 3173 3174 3175 3273 3275 3276 3374 3578 3671 3674 5171 6471 7371")
)

_PLACES_BEFORE: Final = _listed(
    "Suka Mekar Karang Sumber Sido Wono Kali Banjar Rejo Purwo Harjo Marga Cipta Bina Sari Mulyo Tirto Argo"
)
_PLACES_AFTER: Final = _listed(
    "maju sari jaya mulya rejo asri indah baru makmur raya agung harjo tani anyar asih mukti damai sejati"
)
_LANDMARKS: Final = _listed("Tanjung Muara Bukit Rawa Pasir Batu Gunung Kampung Pulau Teluk Kebun Padang")
_LANDMARK_NAMES: Final = _listed("Indah Jaya Permai Besar Putih Harapan Raya Baru Seberang Panjang Hilir Barat")
_HOSPITAL_NAMES: Final = _listed(
    "Harapan Bunda;Sehat Sentosa;Kasih Ibu;Bhakti Husada;Mitra Medika;Citra Husada;Permata Medika;Budi Luhur;Sari Asih;"
    "Pelita Insani;Bina Sehat;Karya Medika;Mulia Husada;Puri Asih;Anugerah Sehat;Cahaya Medika;Insan Sehat",
    ";",
)
_STREETS: Final = _listed(
    "Merdeka;Diponegoro;Sudirman;Ahmad Yani;Gajah Mada;Kartini;Pahlawan;Veteran;Pemuda;Hasanuddin;Imam Bonjol;Melati",
    ";",
)


@dataclass(frozen=True, slots=True)
class SampleFacility:
    """A made-up facility, its district, and how many workers belong to it beside others."""

    row: FacilityRow
    district: DistrictRow
    weight: float


def sample_districts(count: int) -> list[DistrictRow]:
    """``count`` of the districts that come with the service, spread over the whole country; all of them at most."""
    with _DISTRICTS.open(encoding="utf-8", newline="") as file:
        known = [DistrictRow(**row) for row in csv.DictReader(file)]
    count = min(count, len(known))
    return [known[(2 * place + 1) * len(known) // (2 * count)] for place in range(count)]


def sample_facilities(random: Random, districts: Sequence[DistrictRow], workers: int) -> list[SampleFacility]:
    """About 27 facilities for every 1,000 workers, at least one in each district."""
    weights = [random.lognormvariate(0, 0.4) * (4 if district.code in _LARGE else 1) for district in districts]
    total = max(len(districts), round(workers * _FACILITIES_PER_WORKER))
    counts = apportion(total, weights, least=1)
    return [
        facility
        for district, count in zip(districts, counts, strict=True)
        for facility in _facilities_of(random, district, count)
    ]


def _facilities_of(random: Random, district: DistrictRow, count: int) -> list[SampleFacility]:
    names = _place_names(random)
    facilities = []
    for number in range(1, count + 1):
        name, weight = _kind_of_facility(random, district, number, next(names))
        address = f"Jl. {random.choice(_STREETS)} No. {random.randint(1, 180)}, {district.name}"
        row = FacilityRow(f"F{district.code}{number:04}", name, address, district.code)
        facilities.append(SampleFacility(row, district, weight * random.uniform(0.7, 1.3)))
    return facilities


def _kind_of_facility(random: Random, district: DistrictRow, number: int, place: str) -> tuple[str, float]:
    """The name of a district's facility, and how large it is beside a community health centre."""
    if number == 2:
        return f"RSUD {district.name.replace('Kota Administrasi ', '')}", 5.0
    chance = random.random()
    if number == 1 or chance < 0.6:
        return f"Puskesmas {place}", 1.0
    if chance < 0.85:
        return f"Klinik {random.choice(_HOSPITAL_NAMES)} {place}", 0.5
    return f"RS {random.choice(_HOSPITAL_NAMES)} {place}", 2.5


def _place_names(random: Random) -> itertools.chain[str]:
    """Names of neighbourhoods, each once; numbered when there are no more."""
    names = [before + after for before in _PLACES_BEFORE for after in _PLACES_AFTER if before.lower() != after]
    names += [f"{landmark} {name}" for landmark in _LANDMARKS for name in _LANDMARK_NAMES]
    random.shuffle(names)
    return itertools.chain(names, (f"{name} {number}" for number in itertools.count(2) for name in names))
