"""Our own mistakes while a request is answered: counted and logged by its route, without what they were about."""

from __future__ import annotations

import structlog
from flask import request

from bot.metrics import FAILURES
from bot.web.request_id import request_id

_log = structlog.get_logger(__name__)


def route_template() -> str:
    """The route as it is declared: never the path itself, which may hold a secret."""
    return request.url_rule.rule if request.url_rule is not None else "(no route)"


def note_failure(error: Exception) -> None:
    """Write down that this request failed by a mistake of ours, under the id that its answer tells."""
    FAILURES.labels(route_template()).inc()
    _log.error("request_failed", route=route_template(), request_id=request_id(), exc_info=error)
