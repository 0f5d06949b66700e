"""What was taken when."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from bench.cpu import LOOK, Course, Meters


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


def test_the_memory_of_who_has_ended_is_noted() -> None:
    """A server process of PostgreSQL ends with the command that asked it."""
    meters = Meters({"us": [os.getpid()]})
    code = "held = bytearray(300 * 2**20); print(len(held), flush=True); input()"
    talking = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with meters.noting(), subprocess.Popen([sys.executable, "-c", code], **talking) as other:
        assert other.stdout is not None
        other.stdout.readline()
        threading.Event().wait(3 * LOOK)
        other.communicate(b"\n")
    assert meters.peaks()["us"] > 300
    assert Meters({"us": [os.getpid()]}).peaks()["us"] < meters.peaks()["us"]
