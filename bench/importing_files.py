"""The lists that the bench ``import`` has read: a made-up registry as CSV, as a ministry would hand it over."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from bot.registration.sample.loading import ALL_DISTRICTS, SEED, places_of_workers
from bot.registration.sample.people import SampleWorker, made_up_workers
from bot.registration.sample.places import sample_districts, sample_facilities

DISTRICTS, FACILITIES, ROSTER = "districts.csv", "facilities.csv", "roster.csv"
_DISTRICTS = ("code", "name", "province_code", "province", "time_zone")
_FACILITIES = ("code", "name", "address", "district_code")
#: The roster's columns; the NIK comes first.
COLUMNS = ("nik", "name", "birth_date", "sex", "phone", "district_code", "facility_code", "profession")


def write_lists(folder: Path, workers: int) -> None:
    """Write districts, facilities and a roster of ``workers`` into ``folder``; the same number gives the same people."""
    random = Random(f"lists {workers}")
    chosen = sample_districts(ALL_DISTRICTS)
    facilities = sample_facilities(random, chosen, workers)
    places = places_of_workers(random, [facility.weight for facility in facilities], workers)
    people = made_up_workers(random, facilities, places, datetime.now(UTC).year, SEED)
    _write(folder / DISTRICTS, _DISTRICTS, chosen)
    _write(folder / FACILITIES, _FACILITIES, (facility.row for facility in facilities))
    _write(folder / ROSTER, COLUMNS, map(_cells, people))


def _cells(worker: SampleWorker) -> Sequence[str]:
    return (
        worker.nik.text,
        worker.name,
        worker.birth_date.isoformat(),
        worker.sex.value,
        worker.phone or "",
        worker.district_code,
        worker.facility_code,
        worker.profession,
    )


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(header)
        out.writerows(rows)
