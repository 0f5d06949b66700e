"""Jobs of workers, done in the process of a test and with its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from bot import checkups, jobs
from bot.messaging.outbox import Lane

#: What a worker makes once and keeps, those first that are made of others.
_KEPT = (checkups._patient, jobs.counting, jobs.services)


@contextmanager
def jobs_in_this_process(environ: Mapping[str, str]) -> Iterator[None]:
    """Until the end jobs find in the environment what ``environ`` says, and make their parts of it."""
    _forget()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        try:
            yield
        finally:
            if jobs.sender.cache_info().currsize:
                for lane in Lane:
                    jobs.sender(lane).close()
            for kept in _KEPT:
                if kept.cache_info().currsize:
                    kept().close()
            _forget()


def _forget() -> None:
    for kept in (*_KEPT, jobs.sender):
        kept.cache_clear()
