"""Waiting for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def eventually(condition: Callable[[], _T], within: float = 10.0) -> _T:
    """Wait until ``condition`` is true, and return what it returned; fails after ``within`` seconds."""
    until = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < until, f"not so within {within} s: {condition}"
        time.sleep(0.02)
    return found
