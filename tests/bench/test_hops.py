"""The bench from end to end, on real servers, small."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest
from click.testing import CliRunner

from bench import people
from bench.__main__ import bench
from bench.cpu import WEB
from bench.failure import BenchFailed
from bench.folder import run_folder
from bench.hops import generate
from bench.measures import OURS, PARTS, Measured
from bench.script import BEFORE_THOSE, WITHOUT_SQL, Script
from bench.stage import HOST, staged

#: When every connection but our own was last asked something.
ASKED = """
SELECT pid, query_start FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid
"""
ARGUMENTS = ("hops", "--subscribers", "2", "--registrations", "20", "--rounds", "1", "--workers", "60", "--json")


def test_a_small_run(new_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_folder()
    monkeypatch.setenv("VAR", str(folder))
    # What the environment says of another service is not what is measured.
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere.invalid/balas")
    before = set(psutil.pids())
    done = CliRunner().invoke(bench, ARGUMENTS)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)

    assert (found["errors"], found["broken"]) == ({}, [])
    [floor], [hops], [registration] = found["floor"], found["hops"], found["registrations"]
    assert (hops["walks"], hops["hops"], floor["hops"]) == (20, 100, 100)
    [floor_without_sql], [without_sql] = found["floor_without_sql"], found["without_sql"]
    assert (without_sql["walks"], without_sql["hops"], floor_without_sql["hops"]) == (10, 60, 60)
    common = Measured.of(found["common"])
    assert [(work.name, work.units) for work in common.work] == [("registrations", 100), ("hops without SQL", 60)]
    assert all(set(work.cpu_us) == set(PARTS) for work in common.work)
    assert all(common.peak_mib[part] > 5 for part in OURS)
    assert 0 < hops["p50_ms"] <= hops["p95_ms"] <= hops["p99_ms"] <= hops["longest_ms"]
    assert hops["cpu_us"]["web"] > 0
    assert hops["cpu_us"]["floor"] < floor["cpu_us"]["floor"]
    assert registration["web"] <= registration["answering"] <= registration["whole"]
    assert found["summary"]["ratio"]["median"] == pytest.approx(hops["hops_per_second"] / floor["hops_per_second"])
    # Twenty that were measured and five that warmed up, each with a booking and a ticket SMS.
    assert (found["world"]["booking"], found["world"]["message"]) == (25, 25)
    assert {"python", "postgresql", "valkey", "granian"} <= set(found["versions"])

    assert json.loads((folder / "bench" / "hops.json").read_text()) == found
    assert not [left for left in (folder / "bench").iterdir() if left.is_dir()]
    children = psutil.Process(os.getpid()).children(recursive=True)
    assert not [child for child in children if child.pid not in before]


def test_hops_without_sql_ask_postgresql_nothing(new_folder: Callable[[], Path]) -> None:
    with (
        run_folder(new_folder()) as own,
        staged(own, workers=60, web_only=True, say=lambda _line: None) as stage,
        psycopg.connect(stage.database_url, autocommit=True) as connection,
    ):
        callers = tuple(people.choose_callers(stage.database_url, 20))
        begun = Script(HOST, stage.ports[WEB], stage.path, 2, callers, to_ticket=False, session="ATUid_", onward=())
        assert generate(begun).errors == {}
        before = connection.execute(ASKED).fetchall()
        account = generate(replace(begun, onward=WITHOUT_SQL, begins=BEFORE_THOSE))
        assert (account.errors, account.hops) == ({}, 20 * len(WITHOUT_SQL))
        assert connection.execute(ASKED).fetchall() == before
    assert len(before) >= 1


def test_one_bench_at_a_time(tmp_path: Path) -> None:
    left_by_a_killed_run = tmp_path / "run-999999999"
    left_by_a_killed_run.mkdir()
    with run_folder(tmp_path) as own:
        assert own.is_dir()
        assert not left_by_a_killed_run.exists()
        with pytest.raises(BenchFailed, match="another bench"), run_folder(tmp_path):
            pass
    assert not own.exists()
    with run_folder(tmp_path):
        pass


def test_wrong_usage() -> None:
    assert CliRunner().invoke(bench, ("hops", "--rounds", "0")).exit_code == 2
