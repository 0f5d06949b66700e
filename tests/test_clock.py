"""The one clock: the machine's, one that stands in a test's hand, and one that processes share."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from bot.clock import FileClock, ManualClock, RealClock, clock_from, pace_of, set_file_clock

EVENING = datetime(2021, 1, 13, 11, 30, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clock.json"


def test_the_machines_clock_is_aware_and_in_utc() -> None:
    now = RealClock().now()
    assert now.tzinfo is UTC
    assert abs(now.timestamp() - time.time()) < 5


def test_a_manual_clock_moves_when_told_to() -> None:
    clock = ManualClock(EVENING)
    assert clock.now() == clock.now() == EVENING
    clock.moment += timedelta(hours=1)
    assert clock.now() == EVENING + timedelta(hours=1)


class TestFileClock:
    def test_it_stands_still_unless_it_has_a_factor(self, path: Path) -> None:
        set_file_clock(path, EVENING)
        clock = FileClock(path)
        assert clock.now() == clock.now() == EVENING
        assert clock.now().tzinfo is UTC

    def test_it_runs_at_its_factor_from_when_it_was_set(self, path: Path) -> None:
        started = time.time() - 60
        path.write_text(json.dumps({"origin": EVENING.isoformat(), "started": started, "factor": 10}))
        passed = (FileClock(path).now() - EVENING).total_seconds()
        assert passed == pytest.approx(600, abs=10 * (time.time() - started - 60) + 1)

    def test_it_may_run_backwards_or_slowly(self, path: Path) -> None:
        path.write_text(json.dumps({"origin": EVENING.isoformat(), "started": time.time() - 1000, "factor": -0.5}))
        assert EVENING - timedelta(seconds=520) < FileClock(path).now() < EVENING - timedelta(seconds=499)

    def test_it_stops_where_it_is_told_to(self, path: Path) -> None:
        end = EVENING + timedelta(minutes=5)
        started = time.time() - 60
        setting = {"origin": EVENING.isoformat(), "started": started, "factor": 10, "until": end.isoformat()}
        path.write_text(json.dumps(setting))
        assert FileClock(path).now() == end
        set_file_clock(path, EVENING, 1e9, until=end)
        assert FileClock(path).now() == end

    def test_its_pace_is_the_highest_factor_that_it_is_given(self, path: Path) -> None:
        set_file_clock(path, EVENING, pace=120.0)
        assert pace_of(FileClock(path)) == 120.0
        set_file_clock(path, EVENING)
        assert pace_of(FileClock(path)) == pace_of(RealClock()) == 1.0

    def test_a_time_with_an_offset_is_the_same_moment(self, path: Path) -> None:
        set_file_clock(path, EVENING.astimezone(timezone(timedelta(hours=9))))
        assert FileClock(path).now() == EVENING

    def test_a_change_is_seen_at_once_however_soon_it_comes(self, path: Path) -> None:
        """Within a few milliseconds two versions of a file bear the same time."""
        set_file_clock(path, EVENING)
        clock = FileClock(path)
        for minutes in range(200):
            moment = EVENING + timedelta(minutes=minutes)
            set_file_clock(path, moment)
            assert clock.now() == moment

    def test_other_processes_see_it_too(self, path: Path) -> None:
        set_file_clock(path, EVENING)
        program = f"from bot.clock import *; print(clock_from(Path({str(path)!r})).now().isoformat())"
        told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert told.stdout.strip() == EVENING.isoformat()

    def test_it_is_never_half_written(self, path: Path) -> None:
        set_file_clock(path, EVENING)
        set_file_clock(path, EVENING + timedelta(days=1))
        assert [each.name for each in path.parent.iterdir()] == ["clock.json"]


def test_the_file_is_used_where_one_is_named(path: Path) -> None:
    set_file_clock(path, EVENING)
    assert clock_from(path).now() == EVENING
    assert isinstance(clock_from(None), RealClock)
