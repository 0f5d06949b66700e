"""The bench ``rush``: twice as many subscribers as the service can answer, for a minute, and then as many as before.

The service's best rate is that of ``hops``: 32 subscribers who dial without a pause, measured before and after. In between,
subscribers come without waiting for one another: at a part of that rate, at twice the rate, and at that part again.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import people
from bench.counted import await_counted
from bench.cpu import FLOOR, VALKEY, WEB, Course
from bench.failure import BenchFailed
from bench.figures import percentile
from bench.folder import run_folder
from bench.hops import generate
from bench.machine import describe_versions
from bench.player import play
from bench.rush_callers import ANSWERED, SHED, Phase, Rush
from bench.script import SCREENS, Script
from bench.stage import HOST, Stage, staged

_LINES = 32
#: Subscribers of all phases at most: enough for 4,000 hops a second at best.
_MOST = 130_000
#: How many times the best rate comes in the rush, and which part of it before and after.
TIMES, QUIETLY = 2.0, 0.3
BEFORE, RUSH, AFTERWARDS = "before", "rush", "after"
#: Seconds of the rush that its beginning takes, and seconds after it by when all must be as before.
BEGINS, RECOVERS = 3.0, 5.0


@dataclass(frozen=True, slots=True)
class WantedRush:
    """How long the rush lasts and the calm before and after it, in seconds; ``registrations``: of a round that measures the
    best rate, and how many rounds."""

    seconds: float = 60.0
    calm: float = 15.0
    registrations: int = 600
    rounds: int = 4


@dataclass(frozen=True, slots=True)
class Span:
    """A phase: hops a second that came, were answered and were turned away; milliseconds of both; what went wrong. ``cpu_us``:
    microseconds for each hop that was answered, with what turning others away took, by part."""

    name: str
    asked_per_second: float
    answered_per_second: float
    shed_per_second: float
    answered_p50_ms: float
    answered_p99_ms: float
    answered_longest_ms: float
    shed_p99_ms: float
    shed_longest_ms: float
    tickets: int
    gave_up: int
    errors: Mapping[str, int]
    generator_cpu: float
    cpu_us: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RushResult:
    """Everything that was measured. ``best``: hops a second, the median of ``rounds`` before and after the rush; ``floors``:
    the floor's with the same requests, ``floor_cpu_us`` with Valkey for each of them; ``deadline_ms``: that of the service's
    webhooks."""

    wanted: WantedRush
    versions: Mapping[str, str]
    best: float
    rounds: tuple[float, ...]
    floors: tuple[float, ...]
    floor_cpu_us: float
    deadline_ms: float
    spans: tuple[Span, ...]
    peak_mib: Mapping[str, float]
    broken: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether every answer was one that a gateway can use, and no invariant is broken."""
        return not self.broken and not any(span.errors for span in self.spans)

    def span(self, name: str) -> Span:
        """The phase of that name."""
        return next(span for span in self.spans if span.name == name)


def measure(wanted: WantedRush, folder: Path, say: Callable[[str], None]) -> RushResult:
    """Measure in a run folder below ``folder``; call from the main thread. Raises ``BenchFailed`` and others."""
    with run_folder(folder) as own, staged(own, workers=people.roster_for(_MOST), web_only=False, say=say) as stage:
        await_counted(stage)
        callers = iter(people.choose_callers(stage.database_url, _MOST))
        say("warming up")
        _closed(stage, [next(callers) for _ in range(wanted.registrations)])
        best: list[float] = []
        floors: list[float] = []
        floor_cpu: list[float] = []

        def best_rate(when: str) -> None:
            for number in range(1, wanted.rounds + 1):
                say(f"the best rate {when}, round {number} of {wanted.rounds}, and the floor")
                some = _some(callers, wanted.registrations)
                before = stage.meters.read()
                floors.append(_closed(stage, some, FLOOR))
                taken = stage.meters.read().since(before).parts
                floor_cpu.append((taken[FLOOR] + taken[VALKEY]) / (wanted.registrations * SCREENS) * 1e6)
                best.append(_closed(stage, some))

        best_rate("before")
        rate = statistics.median(best)
        people.await_left(stage.database_url)
        say(f"{rate:,.0f} hops a second at best; now {TIMES:.0f} times that for {wanted.seconds:.0f} s")
        calm = QUIETLY * rate / SCREENS
        phases = (
            Phase(BEFORE, wanted.calm, calm, counts_from=BEGINS),
            Phase(RUSH, wanted.seconds, TIMES * rate / SCREENS, counts_from=BEGINS),
            Phase(AFTERWARDS, RECOVERS + wanted.calm, calm, counts_from=RECOVERS, redials=False),
        )
        needed = sum(round(phase.seconds * phase.a_second) + 10 for phase in phases)
        spans = _open(stage, Rush(HOST, stage.ports[WEB], stage.path, tuple(_some(callers, needed)), phases))
        stage.check_alive()
        people.await_left(stage.database_url)
        best_rate("afterwards")
        return RushResult(
            wanted=wanted,
            versions=describe_versions(stage.database_url, stage.redis_url),
            best=statistics.median(best),
            rounds=tuple(best),
            floors=tuple(floors),
            floor_cpu_us=statistics.median(floor_cpu),
            deadline_ms=3000.0,
            spans=spans,
            peak_mib=stage.meters.peaks(),
            broken=tuple(people.broken_invariants(stage.database_url)),
        )


def _some(callers: Any, count: int) -> list[tuple[str, str]]:
    found = [caller for caller, _ in zip(callers, range(count), strict=False)]
    if len(found) < count:
        raise BenchFailed(f"the roster has {len(found)} callers left, and {count} are wanted")
    return found


def _closed(stage: Stage, callers: list[tuple[str, str]], what: str = WEB) -> float:
    """Hops a second with 32 lines that are never idle, of the service or of the floor."""
    script = Script(HOST, stage.ports[what], stage.path, _LINES, tuple(callers), what == WEB, session="ATUid_best_")
    account = generate(script)
    if account.errors:
        raise BenchFailed(f"the best rate: {account.examples[:1]}")
    return account.hops / account.seconds


def _open(stage: Stage, rush: Rush) -> tuple[Span, ...]:
    with Course(stage.meters) as course:
        phases = play("bench.rush_callers", rush)
    return tuple(span_of(told, course.between(told["began"], told["began"] + told["seconds"])) for told in phases)


def span_of(told: Mapping[str, Any], cpu: Mapping[str, float]) -> Span:
    """The figures of a phase of ``bench.rush_callers.Told`` in its JSON form, ``cpu`` in seconds by part meanwhile."""
    answered = sorted(us / 1000 for us in told["took_us"][ANSWERED])
    shed = sorted(us / 1000 for us in told["took_us"][SHED])
    seconds = max(told["seconds"], 1e-9)
    return Span(
        name=told["name"],
        asked_per_second=told["asked"] / seconds,
        answered_per_second=len(answered) / seconds,
        shed_per_second=len(shed) / seconds,
        answered_p50_ms=percentile(answered, 0.5),
        answered_p99_ms=percentile(answered, 0.99),
        answered_longest_ms=answered[-1] if answered else 0.0,
        shed_p99_ms=percentile(shed, 0.99),
        shed_longest_ms=shed[-1] if shed else 0.0,
        tickets=told["tickets"],
        gave_up=told["gave_up"],
        errors=told["errors"],
        generator_cpu=told["cpu_seconds"] / seconds,
        cpu_us={part: taken / max(len(answered), 1) * 1e6 for part, taken in cpu.items()},
    )
