"""The figures of a round and of all rounds together. Nothing here measures anything."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from bench.cpu import FLOOR, POSTGRESQL, VALKEY, WEB
from bench.script import Account

#: South Africa's USSD registration, the nearest public peer, on such a machine: milliseconds of CPU for one
#: registration of 20 screens, in its own process and with its broker.
PEER_CPU_MS = 36.0
PEER_SCREENS = 20
PEER_CPU_MS_WITH_BROKER = 65.0
#: A round counts as quiet when other programs took no more of the machine than this (in cores).
QUIET = 0.1


@dataclass(frozen=True, slots=True)
class Spread:
    """A median over the rounds, and between what they lay."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of one value or more."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Round:
    """One round: of hops, of the floor, or of what answers at once.

    Latencies in milliseconds, as the subscriber waits. ``cpu_us``: microseconds of CPU a hop, by part of the service.
    ``generator_cpu``, ``others_cpu`` and ``stolen_cpu``: how many cores the load generator, other programs and, where
    we are a guest, other guests took meanwhile. ``shares``: which part of the web's CPU each of its processes took.
    """

    seconds: float
    hops: int
    walks: int
    hops_per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    longest_ms: float
    screens_p50_ms: tuple[float, ...]
    screens_p99_ms: tuple[float, ...]
    cpu_us: Mapping[str, float]
    generator_cpu: float
    others_cpu: float
    stolen_cpu: float
    shares: tuple[float, ...]
    errors: Mapping[str, int]

    @property
    def walks_per_second(self) -> float:
        """Whole registrations a second."""
        return self.walks / self.seconds if self.seconds else 0.0

    def cpu_of(self, server: str) -> float:
        """Microseconds of CPU a hop, of WEB or FLOOR with the databases behind it."""
        return self.cpu_us[server] + self.cpu_us[POSTGRESQL] + self.cpu_us[VALKEY]


@dataclass(frozen=True, slots=True)
class Registration:
    """Milliseconds of CPU that one registration takes in a round of hops, ticket SMS sent.

    ``web``: in the web processes alone; ``answering``: with PostgreSQL and Valkey, up to the last screen; ``whole``: with
    workers and clock, until every ticket has been handed to the gateway. ``backlog``: tickets that were not yet handed
    over when the last screen was shown; ``drained_s``: seconds until they were.
    """

    web: float
    answering: float
    whole: float
    backlog: int
    drained_s: float


@dataclass(frozen=True, slots=True)
class Summary:
    """All rounds together.

    ``ratio``: hops a second over the floor's, each round with the floor's round before it. ``cpu_ratio``: the floor's CPU
    over a hop's, servers included: what the ratio comes to where nothing but CPU is short, and less moved by what else
    the machine does. ``without_sql_...``: of the rounds whose hops touch no SQL, with the floor's round before each.
    ``registration_to_floor``: CPU of web, PostgreSQL and Valkey for a registration, over that of the floor's server and Valkey
    for as many floor hops. ``quiet_rounds``: in how many pairs other programs left the machine to both. In the others the
    service, which has more processes than the floor, gets the larger share of what is left: they flatter it.
    """

    quiet_rounds: int
    quiet_ratio: Spread | None
    quiet_p99_ms: Spread | None
    quiet_without_sql_ratio: Spread | None
    ratio: Spread
    without_sql_ratio: Spread
    cpu_ratio: Spread
    hops_per_second: Spread
    walks_per_second: Spread
    floor_per_second: Spread
    p50_ms: Spread
    p95_ms: Spread
    p99_ms: Spread
    web_us: Spread
    answering_us: Spread
    floor_us: Spread
    registration_web_ms: Spread
    registration_answering_ms: Spread
    registration_whole_ms: Spread
    registration_to_floor: Spread


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that ``share`` of ``ordered`` (ascending) do not exceed; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def round_of(
    account: Account,
    cpu: Mapping[str, float],
    *,
    others: float,
    stolen: float,
    shares: Sequence[float],
) -> Round:
    """The round that ``account`` tells of, ``cpu`` in seconds taken meanwhile, ``others`` and ``stolen`` in cores."""
    every = sorted(us / 1000 for hops in account.hop_us for us in hops)
    screens = [sorted(us / 1000 for us in hops) for hops in account.hop_us]
    seconds = max(account.seconds, 1e-9)
    hops = max(account.hops, 1)
    return Round(
        seconds=account.seconds,
        hops=account.hops,
        walks=account.walks,
        hops_per_second=account.hops / seconds,
        p50_ms=percentile(every, 0.5),
        p95_ms=percentile(every, 0.95),
        p99_ms=percentile(every, 0.99),
        longest_ms=every[-1] if every else 0.0,
        screens_p50_ms=tuple(percentile(one, 0.5) for one in screens),
        screens_p99_ms=tuple(percentile(one, 0.99) for one in screens),
        cpu_us={part: taken / hops * 1e6 for part, taken in cpu.items()},
        generator_cpu=account.cpu_seconds / seconds,
        others_cpu=max(others, 0.0),
        stolen_cpu=stolen,
        shares=tuple(shares),
        errors=dict(account.errors),
    )


#: A round of the floor, and the service's after it.
Pair = tuple[Round, Round]


def summary_of(pairs: Sequence[Pair], without_sql: Sequence[Pair], registrations: Sequence[Registration]) -> Summary:
    """All rounds together: of whole registrations, and of hops that touch no SQL."""
    floors, hops = [floor for floor, _ in pairs], [ours for _, ours in pairs]
    quiet, quiet_without_sql = _quiet(pairs), _quiet(without_sql)
    return Summary(
        quiet_rounds=len(quiet),
        quiet_ratio=Spread.of([_ratio(*pair) for pair in quiet]) if quiet else None,
        quiet_p99_ms=Spread.of([ours.p99_ms for _, ours in quiet]) if quiet else None,
        quiet_without_sql_ratio=(
            Spread.of([_ratio(*pair) for pair in quiet_without_sql]) if quiet_without_sql else None
        ),
        ratio=Spread.of([_ratio(*pair) for pair in pairs]),
        without_sql_ratio=Spread.of([_ratio(*pair) for pair in without_sql]),
        cpu_ratio=Spread.of([floor.cpu_of(FLOOR) / ours.cpu_of(WEB) for floor, ours in pairs]),
        hops_per_second=Spread.of([one.hops_per_second for one in hops]),
        walks_per_second=Spread.of([one.walks_per_second for one in hops]),
        floor_per_second=Spread.of([one.hops_per_second for one in floors]),
        p50_ms=Spread.of([one.p50_ms for one in hops]),
        p95_ms=Spread.of([one.p95_ms for one in hops]),
        p99_ms=Spread.of([one.p99_ms for one in hops]),
        web_us=Spread.of([one.cpu_us[WEB] for one in hops]),
        answering_us=Spread.of([one.cpu_of(WEB) for one in hops]),
        floor_us=Spread.of([one.cpu_us[FLOOR] for one in floors]),
        registration_web_ms=Spread.of([one.web for one in registrations]),
        registration_answering_ms=Spread.of([one.answering for one in registrations]),
        registration_whole_ms=Spread.of([one.whole for one in registrations]),
        registration_to_floor=Spread.of([_to_floor(*pair) for pair in pairs]),
    )


def _ratio(floor: Round, hops: Round) -> float:
    return hops.hops_per_second / floor.hops_per_second


def _to_floor(floor: Round, hops: Round) -> float:
    return hops.cpu_of(WEB) / max(floor.cpu_us[FLOOR] + floor.cpu_us[VALKEY], 1e-9)


def _quiet(pairs: Sequence[Pair]) -> list[Pair]:
    return [(floor, ours) for floor, ours in pairs if max(floor.others_cpu, ours.others_cpu) <= QUIET]


def as_json(value: Round | Registration | Summary) -> dict[str, object]:
    """The figures, by name."""
    stored = asdict(value)
    if isinstance(value, Round):
        stored["walks_per_second"] = value.walks_per_second
    return stored
