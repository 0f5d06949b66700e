"""Structured logs: one JSON object a line, without personal data.

Only names and numbers that we chose are logged, never a text that came from outside. An exception is logged as its type
and the places it passed through: its message may quote a row ("Key (phone)=(...) already exists").
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

#: Loggers that say the same for each try while a server is away, and seconds for which it is then said once.
_REPEATING, _SELDOM = ("psycopg.pool",), 30.0


class Seldom(logging.Filter):
    """Lets a message through once in ``seconds``; the next one bears, as ``unsaid``, how many were held back since."""

    def __init__(self, seconds: float = _SELDOM, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds = seconds
        self._now = now
        self._lock = threading.Lock()
        #: By message, without what it quotes: when it was said last, how often it was held back since.
        self._said: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message, now = str(record.msg), self._now()
        with self._lock:
            last, unsaid = self._said.get(message, (None, 0))
            if last is not None and now - last < self._seconds:
                self._said[message] = last, unsaid + 1
                return False
            self._said[message] = now, 0
        if unsaid:
            record.unsaid = unsaid
        return True


def _plain_exception(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    found = event.pop("exc_info", None)
    if not found:
        return event
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)[-6:]
        event["at"] = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
        state = getattr(error, "sqlstate", None)
        if state is not None:
            event["sqlstate"] = state
        if error.__cause__ is not None:
            event["cause"] = type(error.__cause__).__name__
    return event


class _PlainFormatter(logging.Formatter):
    """Other people's loggers, as JSON lines without what their messages quote."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "event": _message(record),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "service": self._service,
        }
        if unsaid := getattr(record, "unsaid", 0):
            event["unsaid"] = unsaid
        if record.exc_info:
            event["exc_info"] = record.exc_info
            event = dict(_plain_exception(None, "", event))
        return str(structlog.processors.JSONRenderer()(None, "", event))


def _message(record: logging.LogRecord) -> str:
    """The first line of a message, of whose arguments only numbers and the types of exceptions are told.

    RQ logs a job's whole traceback as an argument, asyncio puts it on the second line, and both end in the message.
    """
    if isinstance(record.msg, BaseException):
        return type(record.msg).__name__
    template = str(record.msg)
    arguments = record.args
    try:
        if isinstance(arguments, Mapping):
            template %= {name: _plain_argument(value) for name, value in arguments.items()}
        elif arguments:
            template %= tuple(map(_plain_argument, arguments))
    except (TypeError, ValueError, KeyError):
        pass  # then the template says what there is to say
    return template.partition("\n")[0]


def _plain_argument(value: object) -> object:
    if isinstance(value, int | float):
        return value
    return type(value).__name__ if isinstance(value, BaseException) else "..."


def configure(level: str = "INFO", *, service: str) -> None:
    """Set logging up for a process of this ``service`` (web, worker, clock, cli): JSON lines on stderr.

    What a pool of connections says at each try while PostgreSQL is away is said once in half a minute, with a count.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PlainFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _REPEATING:
        logging.getLogger(name).filters[:] = [Seldom()]
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            # Not by context variables: those are a thread's own, and a server's threads are not ours to start.
            lambda _logger, _method, event: {"service": service, **event},
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _plain_exception,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
