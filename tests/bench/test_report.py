"""The report: exactly the lines that follow from what is kept, or none at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.__main__ import bench
from bench.failure import BenchFailed
from bench.measures import Figure, Goal, Measured, Work
from bench.registry import BENCHES, GROWTH
from bench.report import DOCUMENT, LEAST_RUNS, Told, check, head_of, last_runs, lines_in_places, stored_runs, written
from bench.report_tables import lines_of

NAMES = [one.name for one in (*BENCHES, GROWTH)]
MACHINE = {
    "processor": "Testing 3000",
    "cores": 2,
    "memory_mib": 8192,
    "system": "Linux 6 x86_64",
    "load_average_before": [0.25, 0.1, 0.1],
}
PLACES = (
    "# Performance\n\nWords.\n\n" + "".join(f"<!-- bench:{name} -->\n<!-- /bench -->\n\n" for name in NAMES) + "End.\n"
)

HOPS = """
| | registrations |
| --- | ---: |
| unit | hop |
| measured in each run | 5,000 |
| units a second | 900 (850 to 1,000) |
| the floor's a second | 1,500 (1,500 to 1,500) |
| to the floor | 0.600 (0.567 to 0.667) |
| CPU of a unit, us: web | 400 (400 to 400) |
| CPU of a unit, us: PostgreSQL | 200 (200 to 200) |
| CPU of a unit, us: generator | 999 (999 to 999) |
| the service's parts together | 600 (600 to 600) |
| the floor's | 350 (350 to 350) |

| | wanted | measured | reached |
| --- | --- | ---: | --- |
| hops/s to the floor's | at least 0.6 | 0.600 (0.567 to 0.667) | 2 of 3 |
| p50 of a hop | | 3.00 ms (2.50 to 3.25) | |

The most memory that one process has ever had, MiB: web 91.0 (90.0 to 92.0).
"""


def measured(rate: float = 900.0, p50: float = 3.0, peak: float = 90.0, wrong: tuple[str, ...] = ()) -> Measured:
    cpu = {"web": 400.0, "postgresql": 200.0, "generator": 999.0}
    work = Work("registrations", "hop", 5000, rate, 1500.0, rate / 1500, cpu, 350.0)
    goal = Goal("hops/s to the floor's", rate / 1500, least=0.6)
    return Measured((work,), {"web": peak}, (goal,), (Figure("p50 of a hop", p50, "ms"),), wrong)


THREE = (measured(900.0, 3.0, 91.0), measured(1000.0, 2.5, 90.0), measured(850.0, 3.25, 92.0))


def told(common: Measured, commit: str = "0123456789ab", **machine: object) -> dict[str, Any]:
    """A bench's result as ``run`` keeps it."""
    head = {"bench": "x", "at": "2026-11-26T20:00:00+00:00", "commit": commit, "machine": MACHINE | machine}
    return head | {"common": common.as_json(), "details": [1, 2, 3]}


def keep_runs(folder: Path, *commons: Measured, **others: Any) -> Path:
    """Whole runs, each with one result for all benches."""
    for number, common in enumerate(commons, 1):
        run = folder / "bench" / "runs" / str(number)
        run.mkdir(parents=True)
        for name in NAMES:
            (run / f"{name}.json").write_text(json.dumps(told(common, **others)))
    return folder / "bench"


def test_the_lines_are_these_and_no_others() -> None:
    assert lines_of(THREE) == HOPS.strip().splitlines()


def test_a_report_stands_in_the_places_and_the_rest_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_runs(tmp_path, *THREE)
    document = tmp_path / "performance.md"
    document.write_text(PLACES)
    monkeypatch.setenv("VAR", str(tmp_path))
    assert CliRunner().invoke(bench, ("report", "--document", str(document))).exit_code == 0
    text = document.read_text()
    assert text.startswith(
        "# Performance\n\nWords.\n\n<!-- bench:hops -->\n\n3 runs of `0123456789ab` on 2026-11-26: Testing 3000, "
    )
    assert text.endswith("<!-- /bench -->\n\nEnd.\n")
    assert text.count(HOPS) == len(NAMES)
    # Another report of the same changes nothing, and what lies beside the document is what it was made of.
    assert written(text, stored_runs(document)) == text
    assert CliRunner().invoke(bench, ("report", "--document", str(document))).exit_code == 0
    assert document.read_text() == text


def test_the_head_tells_which_runs_where() -> None:
    runs = [
        {"hops": Told.of(told(one, load_average_before=[load, 0.0, 0.0]))}
        for one, load in zip(THREE, (0.1, 0.2, 3.0), strict=True)
    ]
    assert head_of("hops", runs) == (
        "3 runs of `0123456789ab` on 2026-11-26: Testing 3000, 2 cores, 8,192 MiB, Linux 6 x86_64, load before 0.10, 0.20, "
        "3.00. Median (least to most)."
    )


def refused(folder: Path) -> str:
    """What is said of the runs that are kept."""
    with pytest.raises(BenchFailed) as failed:
        check(last_runs(folder, LEAST_RUNS), NAMES)
    return str(failed.value)


def test_how_costs_grow_stands_in_one_of_the_runs_or_in_none(tmp_path: Path) -> None:
    folder, benches = keep_runs(tmp_path, *THREE), [one.name for one in BENCHES]
    for number in ("1", "2"):
        (folder / "runs" / number / f"{GROWTH.name}.json").unlink()
    runs = last_runs(folder, LEAST_RUNS)
    check(runs, benches)
    text = written(PLACES, runs)
    assert text.count("3 runs of `0123456789ab`") == len(BENCHES)
    assert text.count(f"<!-- bench:{GROWTH.name} -->\n\n1 run of `0123456789ab`") == 1
    (folder / "runs" / "3" / f"{GROWTH.name}.json").unlink()
    runs = last_runs(folder, LEAST_RUNS)
    check(runs, benches)
    with pytest.raises(BenchFailed, match="no run has it: growth"):
        written(text, runs)
    text = written(text, runs, apart=[GROWTH.name])
    assert text.count("3 runs of `0123456789ab`") == len(BENCHES)
    assert f"<!-- bench:{GROWTH.name} -->\n<!-- /bench -->" in text


def test_fewer_than_three_runs_are_refused(tmp_path: Path) -> None:
    folder = keep_runs(tmp_path, *THREE[:2])
    assert "3 runs are wanted, and 2 are kept" in refused(folder)
    with pytest.raises(BenchFailed, match="at least 3"):
        check(last_runs(folder, 2), NAMES)


def test_runs_of_different_commits_are_refused(tmp_path: Path) -> None:
    folder = keep_runs(tmp_path, *THREE)
    (folder / "runs" / "2" / "rush.json").write_text(json.dumps(told(THREE[1], "ffffffffffff")))
    assert refused(folder) == "the runs are of different commits: 0123456789ab, ffffffffffff"


@pytest.mark.parametrize("commit", ["", "0123456789ab with changes"])
def test_what_was_measured_must_be_a_commit(tmp_path: Path, commit: str) -> None:
    assert "nobody could look" in refused(keep_runs(tmp_path, *THREE, commit=commit))


def test_runs_on_different_machines_are_refused(tmp_path: Path) -> None:
    folder = keep_runs(tmp_path, *THREE)
    (folder / "runs" / "3" / "hops.json").write_text(json.dumps(told(THREE[2], cores=64)))
    assert refused(folder) == "the runs were on different machines"


def test_a_run_that_is_not_whole_or_was_wrong_is_refused(tmp_path: Path) -> None:
    folder = keep_runs(tmp_path, *THREE)
    (folder / "runs" / "2" / "pages.json").unlink()
    assert refused(folder) == "run 2 of 3 is not whole: pages"
    (folder / "runs" / "2" / "pages.json").write_text(json.dumps(told(measured(wrong=("one page: HTTP 500",)))))
    assert refused(folder) == "run 2 of 3, pages, was wrong: one page: HTTP 500"


def test_runs_that_measured_different_things_are_refused() -> None:
    other = Measured((), {}, ())
    with pytest.raises(BenchFailed, match="the same things"):
        lines_of([THREE[0], THREE[1], other])


def test_a_document_without_a_place_for_a_bench_is_refused(tmp_path: Path) -> None:
    runs = last_runs(keep_runs(tmp_path, *THREE), 3)
    with pytest.raises(BenchFailed, match="no place for it, or no run has it: hops"):
        written(PLACES.replace("bench:hops", "bench:hopes", 1).replace("bench:hopes", "no bench", 1), runs)


def test_the_document_holds_what_was_measured_and_nothing_else() -> None:
    """No figure in its tables was typed by hand."""
    text, runs = DOCUMENT.read_text(encoding="utf-8"), stored_runs(DOCUMENT)
    if runs:
        check(runs, [one.name for one in BENCHES])
        assert written(text, runs, apart=[GROWTH.name]) == text
    else:
        assert lines_in_places(text) == []
    assert [text.count(f"<!-- bench:{name} -->\n") for name in NAMES] == [1] * len(NAMES)
