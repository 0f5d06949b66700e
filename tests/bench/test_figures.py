"""Figures are what they say they are."""

from __future__ import annotations

import pytest

from bench.cpu import FLOOR, POSTGRESQL, VALKEY, WEB
from bench.figures import Registration, Round, Spread, percentile, round_of, summary_of
from bench.profiling import describe
from bench.script import Account


def a_round(walks: int, seconds: float, web: float, others: float = 0.2) -> Round:
    account = Account(seconds=seconds, cpu_seconds=0.1, walks=walks, hop_us=[[1000] * walks for _ in range(5)])
    cpu = {WEB: web, FLOOR: web, POSTGRESQL: 0.0, VALKEY: 0.0}
    return round_of(account, cpu, others=others, stolen=0.0, shares=(0.5, 0.5))


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    assert percentile(range(1, 101), share) == expected


def test_no_hops_have_no_percentile() -> None:
    assert percentile([], 0.99) == 0


def test_a_round_counts_hops_and_registrations() -> None:
    one = a_round(walks=100, seconds=2.0, web=0.25)
    assert (one.hops, one.walks) == (500, 100)
    assert (one.hops_per_second, one.walks_per_second) == (250, 50)
    assert one.cpu_us[WEB] == pytest.approx(500)
    assert (one.p50_ms, one.screens_p99_ms) == (1.0, (1.0,) * 5)


def test_each_round_is_compared_with_the_floor_before_it() -> None:
    floors = [a_round(100, seconds, 1.0) for seconds in (1, 2, 4)]
    hops = [a_round(100, seconds, 2.0) for seconds in (2, 8, 8)]
    registrations = [Registration(10.0, 12.0, 15.0, 0, 0.0)] * 3
    found = summary_of(list(zip(floors, hops, strict=True)), [(floors[0], hops[1])], registrations)
    assert found.without_sql_ratio == Spread(0.125, 0.125, 0.125)
    assert found.registration_to_floor == Spread(2.0, 2.0, 2.0)
    assert found.ratio == Spread(0.5, 0.25, 0.5)
    assert found.cpu_ratio == Spread(0.5, 0.5, 0.5)
    assert (found.quiet_rounds, found.quiet_ratio, found.quiet_p99_ms) == (0, None, None)
    assert found.registration_whole_ms.median == 15.0


def test_only_pairs_that_nobody_disturbed_are_quiet() -> None:
    floors = [a_round(100, 1, 1.0, others) for others in (0.0, 0.5, 0.0)]
    hops = [a_round(100, seconds, 1.0, others) for seconds, others in ((4, 0.0), (2, 0.0), (2, 0.5))]
    pairs = list(zip(floors, hops, strict=True))
    found = summary_of(pairs, pairs[1:], [Registration(10.0, 12.0, 15.0, 0, 0.0)])
    assert found.quiet_without_sql_ratio is None
    assert (found.quiet_rounds, found.quiet_ratio) == (1, Spread(0.25, 0.25, 0.25))


def test_a_profile_adds_up_frames() -> None:
    text = describe("run (a.py:1);load (b.py:2) 30\nrun (a.py:9);load (b.py:3) 20\nrun (a.py:9) 50\n")
    itself, callees = text.split("with what they called")
    assert [line.split() for line in itself.splitlines() if "%" in line] == [
        ["50.0%", "load", "(b.py)"],
        ["50.0%", "run", "(a.py)"],
    ]
    assert "100.0%  run (a.py)" in callees
