"""Receipts are applied in batches that fill, and by a job that gives way to others in time."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Timer

import pytest

from bot import jobs
from bot.messaging import receipt_stream
from bot.queues import Work
from bot.services import Services
from gateway_adapters.base import Receipt, ReceiptStatus
from tests.jobs_here import jobs_in_this_process
from tests.journeys.conftest import clock, environ

__all__ = ["clock", "environ"]


@pytest.fixture
def parts(environ: dict[str, str]) -> Iterator[Services]:
    with jobs_in_this_process(environ):
        yield jobs.services()


def put(parts: Services, number: int) -> None:
    """A receipt for a message that nobody knows of."""
    receipt = Receipt(f"ATXid_{number}", ReceiptStatus.DELIVERED, "+6281200000001")
    receipt_stream.put(parts.receipts_way, "africastalking", [receipt], parts.clock.now())


def jobs_waiting(parts: Services) -> int:
    return int(parts.queue.llen(f"rq:queue:{Work.RECEIPTS}"))


def kept(parts: Services) -> int:
    return int(parts.database.value("SELECT count(*) FROM receipt"))


def test_what_comes_while_they_gather_is_applied_by_the_same_job(
    parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_GATHER_SECONDS", 0.5)
    put(parts, 1)
    later = Timer(0.1, put, (parts, 2))
    later.start()
    assert jobs.take_receipts() == 2
    later.join()
    assert (kept(parts), receipt_stream.waiting(parts.queue), jobs_waiting(parts)) == (2, 0, 0)


def test_while_they_keep_coming_the_job_gives_way_and_asks_for_another(
    parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_GATHERS_FOR", 0.0)
    put(parts, 1)
    assert jobs.take_receipts() == 1
    assert (kept(parts), jobs_waiting(parts)) == (1, 1)


def test_a_worker_that_is_asked_to_stop_does_not_wait_for_more(
    parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_GATHER_SECONDS", 3600.0)
    put(parts, 1)
    Timer(0.2, jobs.stopping.set).start()
    try:
        assert jobs.take_receipts() == 1
    finally:
        jobs.stopping.clear()
    assert (kept(parts), jobs_waiting(parts)) == (1, 1)
