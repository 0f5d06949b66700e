"""The bench ``import`` from end to end, small: the real command, its floor, and what is judged afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from bench.__main__ import bench
from bench.command import carry_out
from bench.entries import importing as entry
from bench.failure import BenchFailed
from bench.importing import FloorImported, Imported, ImportResult, ImportRound, WantedImport
from bench.importing_files import COLUMNS, ROSTER, write_lists
from bench.importing_floor import Parts, copy_bytes
from bench.measures import Measured


def test_a_small_run(new_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_folder()
    monkeypatch.setenv("VAR", str(folder))
    done = CliRunner().invoke(bench, ("import", "--rows", "1200", "--rounds", "1", "--json"))
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    common = Measured.of(found["common"])
    assert common.right
    first, again = common.work
    assert (first.units, again.units) == (1200, 1200)
    assert first.ratio == pytest.approx(first.per_second / first.floor_per_second)
    assert min(*first.cpu_us.values(), first.floor_cpu_us) > 0
    assert 10 < common.peak_mib["workers"] < 200
    (only,) = found["rounds"]
    assert only["floor"]["parts"]["rows"] == 1200
    assert 0 < only["floor"]["parts"]["copy_s"] < only["floor"]["process_s"]
    assert (only["first"]["told"]["added"], only["again"]["told"]["unchanged"]) == (1200, 1200)
    assert not [left for left in (folder / "bench").iterdir() if left.is_dir()]


def test_the_floor_copies_every_row(database_url: str, tmp_path: Path) -> None:
    write_lists(tmp_path, 300)
    assert len((tmp_path / ROSTER).read_text().splitlines()) == 301
    assert (tmp_path / ROSTER).read_text().splitlines()[0] == ",".join(COLUMNS)
    assert copy_bytes(database_url, tmp_path / ROSTER) > 0
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT to_regclass('floor_of_an_import')").fetchone() == (None,)


def test_a_command_that_fails_is_told_by_its_last_word(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="No module named"):
        carry_out({}, tmp_path / "log", "no_module_of_ours")


def result(*, seconds: float, mib: float, wrong: tuple[str, ...] = ()) -> ImportResult:
    floor = FloorImported(Parts(0.5, 1.5, 500_000), 2.6, 2.0, 0.4)
    told: dict[str, object] = {}
    one = ImportRound(floor, Imported(seconds, 3.0, 2.0, mib, told), Imported(3.0, 2.0, 1.0, 50.0, told))
    return ImportResult(WantedImport(rounds=1), {}, 42.0, (one,), {"postgresql": 300.0}, wrong)


def test_goals_are_reached_or_not() -> None:
    assert [goal.reached for goal in entry.measured(result(seconds=6.0, mib=150.0)).goals] == [True, True]
    bad = entry.measured(result(seconds=6.1, mib=151.0, wrong=("a row",)))
    assert [goal.reached for goal in bad.goals] == [False, False]
    assert not bad.right
