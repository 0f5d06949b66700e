"""All runs so far as one table: ``python -m faults --summary``, from ``VAR/faults/faults.jsonl``."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from faults.journal import FINE, REFUSED, SILENCE, SORRY
from faults.run import RECOVERS_WITHIN

_WRONG = ("lost_tickets", "lost_texts", "doubled_messages", "doubled_bookings", "overbooked", "broken", "unserved")


def summary(file: Path) -> str:
    """Markdown; raises ``OSError`` where there have been no runs."""
    runs = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    lines = ["| fault | times | fine | sorry | 5xx | no answer | slowest, s | recovered after, s (median, worst) |"]
    lines.append("| --- | --: | --: | --: | --: | --: | --: | --: |")
    made: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        for fault in run["faults"]:
            made[fault["kind"]["words"]].append(fault)
    lines += [_row(words, each) for words, each in sorted(made.items())]
    wrong = Counter({name: sum(len(run["verdict"][name]) for run in runs) for name in _WRONG})
    slow = sum(_is_slow(fault["recovered"]) for each in made.values() for fault in each)
    lines += [
        "",
        f"{len(runs)} runs, seeds {_seeds(run['wanted']['seed'] for run in runs)}; "
        f"{sum(run['requests'] for run in runs):,} requests of the operator, the slowest answered after "
        f"{max(run['slowest'] for run in runs):.2f} s, {sum(run['late'] for run in runs)} after the deadline.",
        "",
        *(f"- {name.replace('_', ' ')}: {wrong[name]}" for name in _WRONG),
        f"- not recovered within {RECOVERS_WITHIN:.0f} s: {slow}",
        f"- messages of unknown fate, left to an admin: {sum(run['verdict']['unknown'] for run in runs)}",
    ]
    return "\n".join(lines) + "\n"


def _row(words: str, made: list[dict[str, Any]]) -> str:
    saw: Counter[str] = Counter()
    for fault in made:
        saw.update(fault["saw"])
    recovered = sorted(float("inf") if fault["recovered"] is None else fault["recovered"] for fault in made)
    cells = [
        *(words, str(len(made)), *(str(saw[kind]) for kind in (FINE, SORRY, REFUSED, SILENCE))),
        f"{max(fault['slowest'] for fault in made):.2f}",
        f"{recovered[len(recovered) // 2]:.1f}, {recovered[-1]:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def _is_slow(recovered: float | None) -> bool:
    return recovered is None or recovered > RECOVERS_WITHIN


def _seeds(seeds: Iterable[int]) -> str:
    found = sorted(set(seeds))
    return f"{found[0]} to {found[-1]}" if found == list(range(found[0], found[-1] + 1)) else ", ".join(map(str, found))
