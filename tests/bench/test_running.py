"""One bench carried out: what is kept of it where, and whether it was right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.bench import Bench
from bench.failure import BenchFailed
from bench.keeping import kept, new_run, run_numbers
from bench.measures import Goal, Measured
from bench.running import run


def a_bench(found: Measured | None) -> Bench[int, Measured]:
    """One that finds what it is told to, or fails."""

    def measure(_wanted: int, _folder: Path, _say: object) -> Measured:
        if found is None:
            raise BenchFailed("nobody got through")
        return found

    return Bench(
        name="one",
        about="",
        options=(),
        wanted=lambda: 1,
        measure=measure,
        measured=lambda common: common,
        stored=lambda _common: {"rounds": [1, 2]},
        shown=lambda *_: None,
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """VAR/bench."""
    monkeypatch.setenv("VAR", str(tmp_path))
    (tmp_path / "bench").mkdir()
    return tmp_path / "bench"


def test_a_result_is_kept_as_the_last_and_with_its_run(folder: Path) -> None:
    found = Measured((), {"web": 90.0}, (Goal("p99", 20.0, most=150.0, unit="ms"),))
    assert run(a_bench(found), 1, also_into=[new_run(folder)])
    last = json.loads((folder / "one.json").read_text())
    assert kept(folder, 1) == {"one": last}
    assert set(last) == {"bench", "at", "commit", "machine", "common", "rounds"}
    assert Measured.of(last["common"]) == found
    assert "load_average_before" in last["machine"]


def test_what_was_slow_is_right_and_what_was_wrong_is_not(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slow = Measured((), {}, (Goal("p99", 200.0, most=150.0, unit="ms"),))
    assert run(a_bench(slow), 1)
    assert not run(a_bench(Measured((), {}, (), wrong=("a ticket too many",))), 1)
    told = capsys.readouterr().out
    assert "NOT REACHED: p99: 200 ms, wanted at most 150 ms" in told
    assert "WRONG: a ticket too many" in told


def test_a_bench_that_fails_keeps_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not run(a_bench(None), 1, also_into=[new_run(folder)])
    assert kept(folder, 1) == {}
    assert "one: nobody got through" in capsys.readouterr().err


def test_runs_are_numbered_on(folder: Path) -> None:
    assert run_numbers(folder) == []
    assert [new_run(folder).name for _ in range(11)][-2:] == ["10", "11"]
    (folder / "runs" / "3").rmdir()
    assert new_run(folder).name == "12"
    assert run_numbers(folder) == [1, 2, *range(4, 13)]
