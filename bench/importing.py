"""The bench ``import``: a roster read by the real command, ``bot roster import``, against the floor.

Each round: the floor; the roster into an empty registry; the same file again, which changes nothing. All are processes that
are measured from their start to their end. Whether what stands in the database is what stands in the file is judged
afterwards.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench import people
from bench.command import Ran, carry_out
from bench.cpu import POSTGRESQL, Meters
from bench.figures import Spread
from bench.folder import run_folder
from bench.importing_files import DISTRICTS, FACILITIES, ROSTER, write_lists
from bench.importing_floor import Parts
from bench.machine import describe_versions
from bench.stage import ended_by_sigterm, free_port, pids_of, settings_of
from bot.crypto import Vault
from bot.db import migrate
from bot.embedded.servers import EmbeddedServers

#: One row in so many is compared with the file, letter by letter.
_LOOKED_AT = 997


@dataclass(frozen=True, slots=True)
class WantedImport:
    """Rows of the roster, and how often it is imported."""

    rows: int = 500_000
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Imported:
    """One import of the whole file. ``seconds``: of the command, from its start to its end; CPU in seconds, of the command
    and of PostgreSQL; ``peak_mib``: of the command."""

    seconds: float
    cpu_seconds: float
    postgresql_seconds: float
    peak_mib: float
    told: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FloorImported:
    """The floor of a round: its parts, and CPU in seconds of both processes as above. ``seconds``: of the copying and the
    encrypting alone; ``process_s``: from the start of its process to its end."""

    parts: Parts
    process_s: float
    cpu_seconds: float
    postgresql_seconds: float

    @property
    def seconds(self) -> float:
        """Copying and encrypting, without starting and without reading the values from the file."""
        return self.parts.copy_s + self.parts.encrypt_s


@dataclass(frozen=True, slots=True)
class ImportRound:
    """A floor, the import after it, and the same import again."""

    floor: FloorImported
    first: Imported
    again: Imported


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Everything that was measured, and what was wrong. ``file_mib``: of the roster as CSV."""

    wanted: WantedImport
    versions: Mapping[str, str]
    file_mib: float
    rounds: tuple[ImportRound, ...]
    peak_mib: Mapping[str, float]
    wrong: tuple[str, ...]

    def times_the_floor(self, taken: Callable[[ImportRound], Imported]) -> Spread:
        """Seconds of an import over those of its round's floor."""
        return Spread.of([taken(one).seconds / one.floor.seconds for one in self.rounds])


def measure(wanted: WantedImport, folder: Path, say: Callable[[str], None]) -> ImportResult:
    """Measure in a run folder below ``folder``. Call from the main thread.

    Raises ``BenchFailed``, ``bot.embedded.errors.EmbeddedServerError`` or ``OSError``.
    """
    with run_folder(folder) as own, ended_by_sigterm():
        say(f"making up a roster of {wanted.rows:,} as CSV")
        write_lists(own, wanted.rows)
        say("starting PostgreSQL")
        with EmbeddedServers(own) as servers:
            environ = settings_of(own, servers, free_port())
            migrate.upgrade(environ["DATABASE_URL"])
            meters = Meters({POSTGRESQL: pids_of(servers.postgres.pid)})
            with meters.noting():
                return _Measurement(own, environ, meters, wanted, say).run()


class _Measurement:
    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        meters: Meters,
        wanted: WantedImport,
        say: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._environ = environ
        self._url = environ["DATABASE_URL"]
        self._meters = meters
        self._wanted = wanted
        self._say = say

    def run(self) -> ImportResult:
        wanted = self._wanted
        self._imported("districts", DISTRICTS)
        self._imported("facilities", FACILITIES)
        rounds = []
        for number in range(1, wanted.rounds + 1):
            self._say(f"round {number} of {wanted.rounds}: floor, import, the same file again")
            self._empty()
            floor = self._floor()
            rounds.append(ImportRound(floor, self._imported("roster", ROSTER), self._imported("roster", ROSTER)))
        self._say("judging")
        return ImportResult(
            wanted=wanted,
            versions=describe_versions(self._url, self._environ["REDIS_URL"]),
            file_mib=(self._folder / ROSTER).stat().st_size / 2**20,
            rounds=tuple(rounds),
            peak_mib=self._meters.peaks(),
            wrong=(*self._misjudged(rounds), *people.broken_invariants(self._url)),
        )

    def _empty(self) -> None:
        """A registry without workers, and nothing left of the round before that would be written out in this one."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("TRUNCATE worker CASCADE")
            connection.execute("VACUUM (ANALYZE) worker, facility, district")
            connection.execute("CHECKPOINT")

    def _floor(self) -> FloorImported:
        ran, postgresql = self._carried_out("bench.importing_floor", str(self._folder / ROSTER))
        return FloorImported(Parts(**json.loads(ran.told)), ran.seconds, ran.cpu_seconds, postgresql)

    def _imported(self, kind: str, name: str) -> Imported:
        ran, postgresql = self._carried_out("bot", kind, "import", str(self._folder / name), "--json")
        return Imported(ran.seconds, ran.cpu_seconds, postgresql, ran.peak_mib, json.loads(ran.told))

    def _carried_out(self, *arguments: str) -> tuple[Ran, float]:
        before = self._meters.read()
        ran = carry_out(self._environ, self._folder / "commands.log", *arguments)
        return ran, self._meters.read().since(before).parts[POSTGRESQL]

    def _misjudged(self, rounds: list[ImportRound]) -> Iterator[str]:
        """A line for each thing that is not as the file has it."""
        rows = self._wanted.rows
        for number, one in enumerate(rounds, 1):
            for name, imported, end in (("the import", one.first, "added"), ("the same again", one.again, "unchanged")):
                told = {word: imported.told[word] for word in ("read", end, "rejected")}
                if told != {"read": rows, end: rows, "rejected": 0}:
                    yield f"round {number}: {name} told {told}"
        with psycopg.connect(self._url) as connection:
            kept = _value(connection, "SELECT count(*) FROM worker")
            audited = _value(connection, "SELECT count(*) FROM audit WHERE action = 'roster.import'")
            if kept != rows:
                yield f"{kept:,} of {rows:,} workers are there"
            if audited != 2 * len(rounds):
                yield f"{audited} imports are in the audit log, of {2 * len(rounds)}"
            yield from self._strayed(connection)

    def _strayed(self, connection: psycopg.Connection[tuple[Any, ...]]) -> Iterator[str]:
        vault = Vault(self._environ["DATA_KEY"])
        with (self._folder / ROSTER).open(encoding="utf-8", newline="") as file:
            for cells in itertools.islice(csv.reader(file), 1, None, _LOOKED_AT):
                row = connection.execute(
                    "SELECT w.name, birth_date::text, sex, coalesce(phone, ''), w.district_code, f.code, profession, "
                    "nik_sealed FROM worker w JOIN facility f ON f.id = facility_id WHERE nik_hash = %s",
                    [vault.hash(cells[0])],
                ).fetchone()
                if row is None or [vault.open(row[-1], "nik"), *row[:-1]] != cells:
                    yield "a row does not stand in the database as it stands in the file"


def _value(connection: psycopg.Connection[tuple[Any, ...]], statement: str) -> int:
    row = connection.execute(statement.encode()).fetchone()
    return int(str(row[0])) if row else 0
