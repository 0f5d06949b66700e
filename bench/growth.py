"""How what a unit costs grows with the amount of what is kept: each bench that says how, at x1, x10 and x100 of it.

The cost is the CPU of the service's parts for one unit, as ``bench.measures.Work`` has it. Every size has a stage of its own,
made, measured and removed by the bench itself. The way goes from the smallest to the largest and back: a machine that becomes
slower or faster meanwhile is then no growth, since all sizes have been measured at the same time on average.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from bench.bench import Bench
from bench.failure import BenchFailed
from bench.measures import Measured


@dataclass(frozen=True, slots=True)
class WantedGrowth:
    """Of which benches, by name; none: of all that say how."""

    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grown:
    """One work of a bench. ``cost_us``: microseconds of CPU a unit, at each of ``sizes`` of ``of``, and by part: means of there
    and back."""

    bench: str
    work: str
    unit: str
    of: str
    sizes: tuple[int, ...]
    cost_us: tuple[float, ...]
    parts_us: tuple[Mapping[str, float], ...]

    @property
    def growth(self) -> float:
        """What a unit costs at the largest size over what it costs at the cheaper of the smaller ones.

        Not simply at the smallest: what costs the same however much is done weighs most there, and would hide that the rest
        grows.
        """
        return self.cost_us[-1] / max(min(self.cost_us[:-1]), 1e-9)


@dataclass(frozen=True, slots=True)
class GrowthResult:
    """Everything that was measured. ``peak_mib``: by part, at the largest sizes; ``wrong``: with bench and size."""

    grown: tuple[Grown, ...]
    peak_mib: Mapping[str, float]
    wrong: tuple[str, ...]


def measure(
    benches: Sequence[Bench[Any, Any]], wanted: WantedGrowth, folder: Path, say: Callable[[str], None]
) -> GrowthResult:
    """Measure one after another in run folders below ``folder``; raises what the benches raise."""
    grown: list[Grown] = []
    peaks: dict[str, float] = {}
    wrong: list[str] = []
    for bench in benches:
        if bench.growth is None or (wanted.only and bench.name not in wanted.only):
            continue
        sizes = bench.growth.sizes
        found: dict[int, list[Measured]] = {size: [] for size in sizes}
        for size in (*sizes, *reversed(sizes[:-1])):
            say(f"{bench.name} with {size:,} {bench.growth.of}")
            measured = bench.measured(bench.measure(bench.growth.wanted(size), folder, say))
            wrong += [f"{bench.name} with {size:,} {bench.growth.of}: {line}" for line in measured.wrong]
            found[size].append(measured)
        grown += grown_of(bench, found)
        for part, mib in found[sizes[-1]][-1].peak_mib.items():
            peaks[part] = max(mib, peaks.get(part, 0.0))
    return GrowthResult(tuple(grown), peaks, tuple(wrong))


def grown_of(bench: Bench[Any, Any], found: Mapping[int, Sequence[Measured]]) -> list[Grown]:
    """The works of a bench, laid beside each other; raises ``BenchFailed`` where the sizes have different ones."""
    assert bench.growth is not None
    names = [[one.name for one in measured.work] for times in found.values() for measured in times]
    if any(each != names[0] for each in names):
        raise BenchFailed(f"{bench.name} does other work at other sizes: {names}")
    grown = []
    for place, name in enumerate(names[0]):
        works = [[measured.work[place] for measured in times] for times in found.values()]
        grown.append(
            Grown(
                bench=bench.name,
                work=name,
                unit=works[0][0].unit,
                of=bench.growth.of,
                sizes=tuple(found),
                cost_us=tuple(mean(one.cost_us for one in times) for times in works),
                parts_us=tuple(
                    {part: mean(one.cpu_us[part] for one in times) for part in times[0].cpu_us} for times in works
                ),
            )
        )
    return grown
