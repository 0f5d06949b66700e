"""Dividing a whole number by weights."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.registration.sample.apportioning import apportion

weights = st.lists(st.floats(0.01, 100), min_size=1, max_size=60)


@given(st.integers(0, 10_000), weights, st.integers(0, 3))
def test_parts_add_up_and_none_is_below_the_least(total: int, by: list[float], least: int) -> None:
    parts = apportion(total, by, least=least)
    assert (sum(parts), len(parts)) == (total, len(by))
    assert min(parts) >= (least if total >= least * len(by) else 0)


@given(st.integers(0, 10_000), weights)
def test_parts_are_in_proportion(total: int, by: list[float]) -> None:
    for part, weight in zip(apportion(total, by), by, strict=True):
        assert abs(part - total * weight / sum(by)) < 1.01
