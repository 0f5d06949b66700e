"""All runs so far as one table: ``python -m faults --summary``, from ``VAR/faults/faults.jsonl``.

``--write`` puts it into ``docs/faults.md``, between its two marks, and what it was made of beside it: a test holds that they
agree.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from faults.journal import FINE, REFUSED, SILENCE, SORRY
from faults.run import RECOVERS_WITHIN

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "faults.md"
_PLACE = re.compile(r"(?<=^<!-- faults -->\n).*?(?=^<!-- /faults -->$)", re.MULTILINE | re.DOTALL)
#: What a verdict counts as broken.
WRONG = ("lost_tickets", "lost_texts", "doubled_messages", "doubled_bookings", "overbooked", "broken", "unserved")


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
    wrong = Counter({name: sum(len(run["verdict"][name]) for run in runs) for name in WRONG})
    slow = sum(_is_slow(fault["recovered"]) for each in made.values() for fault in each)
    lines += [
        "",
        f"{len(runs)} runs of {', '.join(sorted({run['commit'] for run in runs}))}, seeds "
        f"{_seeds(run['wanted']['seed'] for run in runs)}; "
        f"{sum(run['requests'] for run in runs):,} requests of the operator, the slowest answered after "
        f"{max(run['slowest'] for run in runs):.2f} s, {sum(run['late'] for run in runs)} after the deadline.",
        "",
        *(f"- {name.replace('_', ' ')}: {wrong[name]}" for name in WRONG),
        f"- not recovered within {RECOVERS_WITHIN:.0f} s: {slow}",
        f"- messages of unknown fate, left to an admin: {sum(run['verdict']['unknown'] for run in runs)}",
    ]
    return "\n".join(lines) + "\n"


def write(file: Path, document: Path) -> None:
    """Put the table of the runs in ``file`` into a document; raises ``OSError``, or ``ValueError`` where it has no place."""
    told = document.read_text(encoding="utf-8")
    if len(_PLACE.findall(told)) != 1:
        raise ValueError(f"{document.name} has no place for the table of fault runs")
    # The runs first: should the document not be written, the test that holds them together tells.
    source_of(document).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    document.write_text(written(told, file), encoding="utf-8")


def written(told: str, file: Path) -> str:
    """A document's text with the table of the runs in ``file``."""
    table = summary(file)
    return _PLACE.sub(lambda _place: f"\n{table}\n", told)


def source_of(document: Path) -> Path:
    """Where the runs stand that a document's table was made of."""
    return document.with_suffix(".jsonl")


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
