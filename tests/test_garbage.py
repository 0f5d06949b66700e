"""The collector's settings for a process that runs for weeks."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from bot.garbage import settle_down


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_is_loaded_is_looked_at_no_more_and_circles_are_still_found() -> None:
    settle_down()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] > 700
    circle: list[object] = []
    circle.append(circle)
    del circle
    assert gc.collect() >= 1
