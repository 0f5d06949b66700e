"""What was taken when."""

from __future__ import annotations

import os
import time

import pytest

from bench.cpu import Course, Meters


def test_a_course_tells_what_was_taken_between_two_moments() -> None:
    with Course(Meters({"us": [os.getpid()]}), every=0.05) as course:
        began, before = time.monotonic(), time.process_time()
        while time.process_time() < before + 0.5:
            pass
        ended = time.monotonic()
    assert course.between(began, ended)["us"] == pytest.approx(0.5, abs=0.15)
    # Before its beginning and after its end nothing is known, and nothing made up.
    assert course.between(0.0, began - 9.0)["us"] == 0.0
    assert course.between(ended + 9.0, ended + 10.0)["us"] == 0.0
