"""Loading a made-up registry by the same staging and the same statements as imported files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from bot.clock import Clock
from bot.crypto import Vault
from bot.db import audit
from bot.db.database import Database
from bot.registration.importing.pipeline import importer_of, settle
from bot.registration.importing.progress import Progress, Step, no_progress
from bot.registration.importing.report import Kind, Tally
from bot.registration.importing.staging import Staging
from bot.registration.sample.apportioning import apportion
from bot.registration.sample.people import sample_workers, shares_phone
from bot.registration.sample.places import sample_districts, sample_facilities
from bot.registration.sample.sessions import sample_sessions

ALL_DISTRICTS: Final = 91
MOST_WORKERS: Final = 900_000
SEED: Final = 2021
_TELL_EVERY: Final = 1000


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What loading a sample did to each part of the registry."""

    districts: Tally
    facilities: Tally
    roster: Tally
    sessions: Tally

    def as_json(self) -> dict[str, object]:
        """The counts by kind, as ``--json`` prints them."""
        return {
            Kind.DISTRICTS.value: self.districts.as_json(),
            Kind.FACILITIES.value: self.facilities.as_json(),
            Kind.ROSTER.value: self.roster.as_json(),
            Kind.SESSIONS.value: self.sessions.as_json(),
        }


def has_workers(database: Database) -> bool:
    """Whether there is anybody on the roster; raises ``DatabaseAway``."""
    return bool(database.value("SELECT EXISTS (SELECT FROM worker)"))


def load_sample(
    database: Database,
    vault: Vault,
    clock: Clock,
    workers: int,
    districts: int = ALL_DISTRICTS,
    seed: int = SEED,
    progress: Progress | None = None,
    actor: str = "cli",
) -> SampleReport:
    """Make up ``workers`` (1 to 900,000) in ``districts`` (1 to 91), their facilities and sessions, in one transaction.

    Loaded again with the same numbers and ``seed``, it changes nothing but the days of the sessions. The last 2 % of
    the workers have no phone, the 3 % before them a wrong one. ``database`` must be one without a limit on its
    statements. Raises ``DatabaseAway``, and then nothing was done.
    """
    if not 1 <= workers <= MOST_WORKERS or not 1 <= districts <= ALL_DISTRICTS:
        raise ValueError(f"a sample has 1 to {MOST_WORKERS} workers in 1 to {ALL_DISTRICTS} districts")
    now = clock.now()
    tell = progress or no_progress
    random = Random(f"sample {seed} {workers} {districts}")  # noqa: S311 - chance, not secrets
    chosen = sample_districts(districts)
    facilities = sample_facilities(random, chosen, workers)
    places = places_of_workers(random, [facility.weight for facility in facilities], workers)
    members = Counter(places)
    workers_of = [members[place] for place in range(len(facilities))]

    with database.connection() as connection, connection.transaction():

        def load(kind: Kind, rows: Iterable[Sequence[object]]) -> Tally:
            importer = importer_of(kind, vault, now)
            staging = Staging(connection, importer)
            staging.fill((line, 0, None, None, *row) for line, row in enumerate(rows, start=1))
            present = frozenset((*importer.required, *importer.optional))
            return settle(connection, importer, staging, present, now, tell)

        report = SampleReport(
            districts=load(Kind.DISTRICTS, chosen),
            facilities=load(Kind.FACILITIES, (facility.row for facility in facilities)),
            roster=load(
                Kind.ROSTER,
                _told(sample_workers(random, vault, facilities, places, now.year, seed), workers, tell),
            ),
            sessions=load(Kind.SESSIONS, sample_sessions(facilities, workers_of, now, seed)),
        )
        audit.record(connection, now, actor, "sample.load", f"seed {seed}", report.as_json())
    return report


def places_of_workers(random: Random, weights: Sequence[float], workers: int) -> list[int]:
    """The facility of each worker, in an order in which facilities mix."""
    counts = apportion(workers, weights, least=1)
    places = [place for place, count in enumerate(counts) for _ in range(count)]
    random.shuffle(places)
    for number in range(1, workers):
        if shares_phone(number):
            places[number] = places[number - 1]
    return places


def _told(rows: Iterable[Sequence[object]], total: int, tell: Progress) -> Iterator[Sequence[object]]:
    for count, row in enumerate(rows):
        if count % _TELL_EVERY == 0:
            tell(Step.READING, count / total)
        yield row
