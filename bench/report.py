"""``python -m bench report``: the tables of whole runs, written into the document that tells of them.

The document has a place for each bench, from a line ``<!-- bench:NAME -->`` to a line ``<!-- /bench -->``; what stands between
is the report's alone. What the tables were made of stays beside the document, as JSON: a test holds that they agree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.failure import BenchFailed
from bench.keeping import kept, run_numbers
from bench.measures import Measured
from bench.report_tables import lines_of

#: Runs that a table needs at least.
LEAST_RUNS = 3
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"

_PLACE = re.compile(r"^<!-- bench:(?P<name>[a-z]+) -->\n(?P<lines>.*?)^<!-- /bench -->$", re.MULTILINE | re.DOTALL)
#: What must be the same of all runs; how busy the machine was before each is not.
_SAME = ("processor", "cores", "memory_mib", "system")


@dataclass(frozen=True, slots=True)
class Told:
    """What is needed of a kept result: when (ISO 8601, UTC), of which commit, on which machine, in the common shape."""

    at: str
    commit: str
    machine: Mapping[str, Any]
    common: Measured

    def as_json(self) -> dict[str, Any]:
        """The JSON form."""
        return {"at": self.at, "commit": self.commit, "machine": dict(self.machine), "common": self.common.as_json()}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Told:
        """What ``as_json`` gave, or a bench's whole result; raises ``BenchFailed`` for anything else."""
        try:
            return cls(stored["at"], stored["commit"], stored["machine"], Measured.of(stored["common"]))
        except (KeyError, TypeError) as error:
            raise BenchFailed(f"a result that is kept has another shape: {error}") from error


#: A whole run: what each bench told, by name.
Run = Mapping[str, Told]


def last_runs(folder: Path, count: int) -> list[Run]:
    """The last ``count`` runs kept below ``folder`` (VAR/bench), the oldest first; raises ``BenchFailed``."""
    numbers = run_numbers(folder)[-count:]
    if len(numbers) < count:
        raise BenchFailed(f"{count} runs are wanted, and {len(numbers)} are kept in {folder}")
    try:
        return [{name: Told.of(told) for name, told in kept(folder, number).items()} for number in numbers]
    except ValueError as error:
        raise BenchFailed(f"a result that is kept is no JSON: {error}") from error


def check(runs: Sequence[Run], benches: Sequence[str]) -> None:
    """Raise ``BenchFailed`` unless these are whole runs of ``benches``, three or more, of one commit on one machine, and all of
    it was right. What else they have must be so, too."""
    if len(runs) < LEAST_RUNS:
        raise BenchFailed(f"at least {LEAST_RUNS} runs are wanted, not {len(runs)}")
    for number, run in enumerate(runs, 1):
        if missing := [name for name in benches if name not in run]:
            raise BenchFailed(f"run {number} of {len(runs)} is not whole: {', '.join(missing)}")
        for name in run:
            if wrong := run[name].common.wrong:
                raise BenchFailed(f"run {number} of {len(runs)}, {name}, was wrong: {wrong[0]}")
    every = [told for run in runs for told in run.values()]
    commits = sorted({told.commit for told in every})
    if len(commits) > 1:
        raise BenchFailed(f"the runs are of different commits: {', '.join(commits)}")
    if not is_commit(commits[0]):
        raise BenchFailed(f"nobody could look at what was measured: {commits[0] or 'no commit'}")
    if len({tuple(str(told.machine.get(name)) for name in _SAME) for told in every}) > 1:
        raise BenchFailed("the runs were on different machines")


def is_commit(words: str) -> bool:
    """Whether ``bench.machine.commit`` told of a commit, and not of one with changes or of none."""
    return re.fullmatch("[0-9a-f]+", words) is not None


def written(text: str, runs: Sequence[Run], apart: Sequence[str] = ()) -> str:
    """The document with the tables of ``runs`` in their places; raises ``BenchFailed`` where places and benches differ.

    The place of one of ``apart`` that no run has is empty.
    """
    places = [place["name"] for place in _PLACE.finditer(text)]
    benches = {name for run in runs for name in run}
    if wrong := sorted((set(places) ^ benches) - (set(apart) - benches)):
        raise BenchFailed(f"either the document has no place for it, or no run has it: {', '.join(wrong)}")

    def filled(place: re.Match[str]) -> str:
        name = place["name"]
        having = [run for run in runs if name in run]
        if not having:
            return f"<!-- bench:{name} -->\n<!-- /bench -->"
        lines = lines_of([run[name].common for run in having])
        return "\n".join((f"<!-- bench:{name} -->", "", head_of(name, having), "", *lines, "", "<!-- /bench -->"))

    return _PLACE.sub(filled, text)


def head_of(name: str, runs: Sequence[Run]) -> str:
    """Which runs, when, of what and where."""
    told = [run[name] for run in runs]
    machine = told[0].machine
    days = sorted({one.at[:10] for one in told})
    many = f"{len(told)} run{'s' if len(told) > 1 else ''}"
    loads = ", ".join(f"{one.machine['load_average_before'][0]:.2f}" for one in told)
    return (
        f"{many} of `{told[0].commit}` on {' to '.join(dict.fromkeys((days[0], days[-1])))}: {machine['processor']}, "
        f"{machine['cores']} cores, {machine['memory_mib']:,} MiB, {machine['system']}, load before {loads}. "
        "Median (least to most)."
    )


def write(document: Path, runs: Sequence[Run], apart: Sequence[str] = ()) -> None:
    """Write the tables into ``document`` and what they are made of beside it; raises ``BenchFailed`` or ``OSError``."""
    text = written(document.read_text(encoding="utf-8"), runs, apart)
    source = [{name: told.as_json() for name, told in run.items()} for run in runs]
    source_of(document).write_text(json.dumps(source, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    document.write_text(text, encoding="utf-8")


def source_of(document: Path) -> Path:
    """Where that lies which a document's tables are made of."""
    return document.with_suffix(".json")


def stored_runs(document: Path) -> list[Run]:
    """The runs that lie beside a document; none where nothing was ever reported."""
    source = source_of(document)
    if not source.exists():
        return []
    return [{name: Told.of(told) for name, told in run.items()} for run in json.loads(source.read_text("utf-8"))]


def lines_in_places(text: str) -> list[str]:
    """All lines that stand in the places of a document."""
    return [line for place in _PLACE.finditer(text) for line in place["lines"].splitlines() if line.strip()]
