"""A disk that stalls keeps no webhook longer than its deadline, and what it writes in the end is there once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.deadline import within
from bot.messaging.spool import Spool, SpoolAway
from bot.messaging.spool_in_time import LEAST_FOR_THE_DISK, SpoolInTime
from tests.messaging.spooling import sms, spool_in, texts


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return spool_in(tmp_path / "spool")


class _Disk:
    """A disk that stalls: what is forced to it waits until ``goes_on``."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self._force = os.fsync

    def fsync(self, descriptor: int) -> None:
        self.goes_on.wait(30)
        self._force(descriptor)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Disk]:
    found = _Disk()
    monkeypatch.setattr(os, "fsync", found.fsync)
    yield found
    found.goes_on.set()


def test_what_is_put_in_is_there(spool: Spool) -> None:
    letterbox = SpoolInTime(spool)
    with within(1.0):
        assert letterbox.put(sms("1"))
        assert not letterbox.put(sms("1"))
    assert letterbox.put(sms("2", "dua"))
    assert texts(spool) == ["halo", "dua"]


def test_what_the_spool_refuses_is_refused(tmp_path: Path) -> None:
    letterbox = SpoolInTime(spool_in(tmp_path / "spool", most=64))
    assert letterbox.put(sms("1"))
    with pytest.raises(SpoolAway, match="full"):
        letterbox.put(sms("2"))


def test_a_disk_that_stalls_is_not_waited_for(spool: Spool, disk: _Disk) -> None:
    letterbox = SpoolInTime(spool)
    began = time.monotonic()
    with within(0.0), pytest.raises(SpoolAway, match="slow"):
        letterbox.put(sms("1"))
    assert LEAST_FOR_THE_DISK <= time.monotonic() - began < 15
    # Whoever comes meanwhile does not wait at all: the disk would have had its time again.
    began = time.monotonic()
    with pytest.raises(SpoolAway, match="slow"):
        letterbox.put(sms("2"))
    assert time.monotonic() - began < LEAST_FOR_THE_DISK
    assert texts(spool) == []


def test_what_was_refused_and_written_after_all_is_there_once(spool: Spool, disk: _Disk) -> None:
    letterbox = SpoolInTime(spool)
    with within(0.0), pytest.raises(SpoolAway, match="slow"):
        letterbox.put(sms("1"))
    disk.goes_on.set()
    until = time.monotonic() + 30
    while True:
        try:
            is_new = letterbox.put(sms("1"))  # as the gateway delivers it again
            break
        except SpoolAway:
            assert time.monotonic() < until
            time.sleep(0.01)
    assert not is_new
    assert texts(spool) == ["halo"]
