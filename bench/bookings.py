"""The bench ``bookings``: how many places are confirmed a second, where everybody has their own and where all want the same.

Booked is by the acts that a registration by USSD asks for, offer and take (``bot.registration.desk``), in processes of their
own with a connection each. Not through the web: what a hop costs there is measured by ``hops``, and would hide what places
cost where they are wanted by many at once, which only PostgreSQL decides.

The floor is one prepared statement that counts a place and inserts a row, in a synchronous commit, by as many processes. Rounds
alternate: floor and service with places spread over everybody's own facilities, then the same with a few sessions that all
want, which have room for nine tenths of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import people
from bench.bookings_clerk import ClerkAccount, ClerkScript
from bench.bookings_clerks import serve
from bench.bookings_judge import judge, judge_few
from bench.bookings_town import (
    FEW,
    choose_people,
    counters_of,
    crowded,
    make_few_places,
    make_floor,
    refill_floor,
    spread_over,
)
from bench.cpu import POSTGRESQL, VALKEY, WEB, Meters
from bench.crowd import gather_roster
from bench.figures import percentile
from bench.folder import run_folder
from bench.machine import describe_versions
from bench.stage import ended_by_sigterm, fill_roster, free_port, pids_of, settings_of
from bot.embedded.servers import EmbeddedServers

SPREAD, CONTESTED = "spread over everybody's own facilities", "few sessions that all want"
#: People of a round for one who warms up.
_WARM_SHARE = 4
_Served = Sequence[tuple[int, str, int]]


@dataclass(frozen=True, slots=True)
class WantedBookings:
    """``clerks``: processes that book, with a connection each; ``people``: of one round, spread or contested. ``workers``: on
    the roster at least; ``multiplied``: which is made of a few thousand by SQL, as large rosters are."""

    clerks: int = 8
    people: int = 2000
    rounds: int = 4
    workers: int = 100_000
    multiplied: bool = False

    @property
    def warming(self) -> int:
        """People who count for nothing."""
        return max(self.clerks, self.people // _WARM_SHARE)

    @property
    def callers(self) -> int:
        """Workers that book in all."""
        return self.warming + 2 * self.people * self.rounds


@dataclass(frozen=True, slots=True)
class BookingRound:
    """A round of the service or of the floor. Milliseconds of one confirmation, offer and ticket; ``cpu_us``: microseconds of
    CPU a confirmation, by meter, WEB for the processes that book. ``refused``: who was told that there is no place; ``away``:
    how often PostgreSQL did not answer in the time that a hop has, and somebody asked again."""

    seconds: float
    confirmed: int
    refused: int
    lost: int
    away: int
    p50_ms: float
    p99_ms: float
    longest_ms: float
    cpu_us: Mapping[str, float]

    @property
    def per_second(self) -> float:
        """Confirmations a second."""
        return self.confirmed / max(self.seconds, 1e-9)


@dataclass(frozen=True, slots=True)
class BookingPair:
    """A round of the service and the floor's before it."""

    floor: BookingRound
    service: BookingRound

    @property
    def ratio(self) -> float:
        """Confirmations a second over the floor's."""
        return self.service.per_second / self.floor.per_second


@dataclass(frozen=True, slots=True)
class BookingsResult:
    """Everything that was measured, and what was wrong. ``peak_mib`` by meter."""

    wanted: WantedBookings
    versions: Mapping[str, str]
    world: Mapping[str, int]
    spread: tuple[BookingPair, ...]
    contested: tuple[BookingPair, ...]
    peak_mib: Mapping[str, float]
    wrong: tuple[str, ...]


def measure(wanted: WantedBookings, folder: Path, say: Callable[[str], None]) -> BookingsResult:
    """Measure in a run folder below ``folder``. Call from the main thread.

    Raises ``BenchFailed``, ``bot.embedded.errors.EmbeddedServerError`` or ``OSError``.
    """
    with run_folder(folder) as own, ended_by_sigterm():
        say("starting PostgreSQL and Valkey")
        with EmbeddedServers(own) as servers:
            environ = settings_of(own, servers, free_port())
            roster = max(wanted.workers, people.roster_for(wanted.callers))
            say(f"making up {roster:,} workers, their facilities and sessions")
            (gather_roster if wanted.multiplied else fill_roster)(environ, roster)
            make_floor(environ["DATABASE_URL"])
            meters = Meters({POSTGRESQL: pids_of(servers.postgres.pid), VALKEY: pids_of(servers.valkey.pid)})
            with meters.noting():
                return _Measurement(environ, meters, wanted, say).run()


class _Measurement:
    def __init__(
        self, environ: Mapping[str, str], meters: Meters, wanted: WantedBookings, say: Callable[[str], None]
    ) -> None:
        self._environ = environ
        self._url = environ["DATABASE_URL"]
        self._meters = meters
        self._wanted = wanted
        self._say = say
        self._people = iter(choose_people(self._url, wanted.callers))
        self._accounts: list[ClerkAccount] = []
        self._wrong: list[str] = []

    def run(self) -> BookingsResult:
        wanted = self._wanted
        self._say("warming up")
        self._pair(spread_over(self._next(wanted.warming)), wanted.warming)
        spread, contested = [], []
        for number in range(1, wanted.rounds + 1):
            self._say(f"round {number} of {wanted.rounds}: {wanted.people:,} people, floor and service, spread")
            spread.append(self._pair(spread_over(self._next(wanted.people)), wanted.people))
            self._say(f"round {number} of {wanted.rounds}: {wanted.people:,} people, floor and service, {FEW} sessions")
            contested.append(self._contested(number))
        self._say("judging")
        self._wrong += judge(self._url, self._accounts)
        return BookingsResult(
            wanted=wanted,
            versions=describe_versions(self._url, self._environ["REDIS_URL"]),
            world=people.describe_world(self._url),
            spread=tuple(spread),
            contested=tuple(contested),
            peak_mib={**self._meters.peaks(), WEB: max(account.peak_mib for account in self._accounts)},
            wrong=(*self._wrong, *people.broken_invariants(self._url)),
        )

    def _next(self, count: int) -> list[tuple[int, str]]:
        return [next(self._people) for _ in range(count)]

    def _contested(self, number: int) -> BookingPair:
        chosen = self._next(self._wanted.people)
        few = make_few_places(self._url, number, chosen)
        pair = self._pair(crowded(chosen), few.places)
        self._wrong += judge_few(self._url, few, len(chosen), pair.service.refused)
        return pair

    def _pair(self, served: _Served, places: int) -> BookingPair:
        counters = counters_of(served)
        refill_floor(self._url, counters, -(-places // counters))
        floor, _ = self._round(served, floor=True)
        service, accounts = self._round(served, floor=False)
        self._accounts += accounts
        return BookingPair(floor, service)

    def _round(self, served: _Served, *, floor: bool) -> tuple[BookingRound, list[ClerkAccount]]:
        clerks = self._wanted.clerks
        scripts = [ClerkScript(tuple(served[clerk::clerks]), floor) for clerk in range(clerks)]
        accounts, taken = serve(self._environ, self._meters, [script for script in scripts if script.people])
        confirmed = sum(len(account.told) for account in accounts)
        if floor and sum(len(account.refused) for account in accounts) + confirmed != len(served):
            self._wrong.append("the floor served not everybody")
        took = sorted(us / 1000 for account in accounts for us in account.took_us)
        spent = {**taken, WEB: sum(account.cpu_seconds for account in accounts)}
        return BookingRound(
            seconds=max(account.ended for account in accounts) - min(account.began for account in accounts),
            confirmed=confirmed,
            refused=sum(len(account.refused) for account in accounts),
            lost=sum(account.lost for account in accounts),
            away=sum(account.away for account in accounts),
            p50_ms=percentile(took, 0.5),
            p99_ms=percentile(took, 0.99),
            longest_ms=took[-1] if took else 0.0,
            cpu_us={part: seconds / max(confirmed, 1) * 1e6 for part, seconds in spent.items()},
        ), accounts
