"""The common shape of what a bench found: what every bench gives besides its own details.

A bench's result holds one ``Measured``:

- ``work``: a ``Work`` for each kind of work that was measured against a floor ("hops" has two: whole registrations, and
  hops without SQL; "blast" one for each gateway). Its ``name`` is unique in the bench and the same in every run; ``unit``
  is the word for one of what was done: hop, reply, booking, message, receipt, row, page.
- ``peak_mib``: by part, the most resident memory that one process of it has ever had (``bench.memory``). Of one process, not
  all together: those of PostgreSQL share most of theirs.
- ``goals``: what was wanted, with the value that was measured. Missing one never fails a bench.
- ``figures``: anything else that belongs into the tables of ``docs/performance.md``: latencies, seconds.
- ``wrong``: a line for each thing that was wrong: an answer, an invariant. Anything here fails the bench.

Names and words are the same in every run and hold no figures, so that runs can be laid beside each other; whatever was
measured stands in ``value``. CPU is microseconds (user and system, by the kernel's account) for one unit, by part, one of
``PARTS``. "generator" is all that stands for the world outside: callers and stub gateways; it belongs to no cost of ours.
In a bench's JSON all of it stands under "common", as ``as_json`` has it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

WEB, WORKERS, POSTGRESQL, VALKEY, GENERATOR = "web", "workers", "postgresql", "valkey", "generator"
#: The parts in the order in which tables show them.
PARTS = (WEB, WORKERS, POSTGRESQL, VALKEY, GENERATOR)
#: Those whose CPU is the cost of the service.
OURS = (WEB, WORKERS, POSTGRESQL, VALKEY)
#: What the meters of the stages call them; what is not named here (the floor's server) is no part of the service.
_METERS = {"senders": WORKERS, "blast": WORKERS, "stub": GENERATOR, **{part: part for part in PARTS}}
#: Digits behind the point in a table, at most.
_MOST_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Work:
    """Work of one kind and its floor, measured in the same run.

    ``units`` were done, ``per_second`` of them a second, the floor ``floor_per_second``; ``ratio``: the one over the other,
    of neighbours where there are rounds. ``cpu_us``: microseconds a unit, by part; ``floor_cpu_us``: of the floor with what
    is behind it, in all.
    """

    name: str
    unit: str
    units: int
    per_second: float
    floor_per_second: float
    ratio: float
    cpu_us: Mapping[str, float]
    floor_cpu_us: float

    @property
    def cost_us(self) -> float:
        """Microseconds of CPU that one unit costs the service, the generator left out."""
        return sum(self.cpu_us.get(part, 0.0) for part in OURS)


@dataclass(frozen=True, slots=True)
class Goal:
    """What was wanted of ``value``: at least ``least``, at most ``most``. ``unit``: as written behind a figure ("ms")."""

    words: str
    value: float
    least: float | None = None
    most: float | None = None
    unit: str = ""

    @property
    def reached(self) -> bool:
        """Whether it is as wanted; what is not a number never is."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def wanted(self) -> str:
        """What is wanted, in words."""
        bounds = [
            f"{word} {bound:,g}"
            for word, bound in (("at least", self.least), ("at most", self.most))
            if bound is not None
        ]
        return f"{' and '.join(bounds)} {self.unit}".rstrip()

    @property
    def line(self) -> str:
        """All of it in a line."""
        measured = f"{shown(self.value)} {self.unit}".rstrip()
        return f"{'reached' if self.reached else 'NOT REACHED'}: {self.words}: {measured}, wanted {self.wanted}"


@dataclass(frozen=True, slots=True)
class Figure:
    """Something else worth a line in the tables."""

    words: str
    value: float
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a bench found, as the head of this module says."""

    work: tuple[Work, ...]
    peak_mib: Mapping[str, float]
    goals: tuple[Goal, ...]
    figures: tuple[Figure, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether nothing was wrong."""
        return not self.wrong

    def as_json(self) -> dict[str, Any]:
        """The JSON form, with what follows from it: each work's cost, whether each goal is reached, whether all was right."""
        stored = asdict(self)
        stored["work"] = [asdict(one) | {"cost_us": one.cost_us} for one in self.work]
        stored["goals"] = [asdict(goal) | {"reached": goal.reached} for goal in self.goals]
        return stored | {"right": self.right}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Measured:
        """What ``as_json`` gave; raises ``KeyError`` or ``TypeError`` for anything else."""
        return cls(
            work=tuple(Work(**{k: v for k, v in one.items() if k != "cost_us"}) for one in stored["work"]),
            peak_mib=dict(stored["peak_mib"]),
            goals=tuple(Goal(**{k: v for k, v in one.items() if k != "reached"}) for one in stored["goals"]),
            figures=tuple(Figure(**one) for one in stored["figures"]),
            wrong=tuple(stored["wrong"]),
        )


def by_part(metered: Mapping[str, float]) -> dict[str, float]:
    """What the stages' meters (``bench.cpu``) tell of CPU, added up by ``PARTS``; the floor's server is left out."""
    return {part: sum(values) for part, values in _grouped(metered).items()}


def peaks_by_part(metered: Mapping[str, float]) -> dict[str, float]:
    """What the stages' meters tell of memory, the most by ``PARTS``; the floor's server is left out."""
    return {part: max(values) for part, values in _grouped(metered).items()}


def _grouped(metered: Mapping[str, float]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for name, value in metered.items():
        if name in _METERS:
            found.setdefault(_METERS[name], []).append(value)
    return found


def shown(value: float) -> str:
    """A measured figure as tables have it: three digits that count, or all of those before the point."""
    if not math.isfinite(value):
        return "none"
    decimals = 0 if value == 0 else min(max(2 - math.floor(math.log10(abs(value))), 0), _MOST_DECIMALS)
    return f"{value:,.{decimals}f}"
