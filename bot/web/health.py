"""Is the process alive, can it work, what has it counted?"""

from __future__ import annotations

import redis
from flask import Blueprint, Response

from bot import gauges
from bot.alarms import Alarms
from bot.away import Away
from bot.db import migrate
from bot.deadline import within
from bot.metrics import render
from bot.services import Services


def blueprint_of(services: Services) -> Blueprint:
    """``/healthz``, ``/readyz`` and ``/metrics``."""
    blueprint = Blueprint("health", __name__)
    newest = migrate.newest()
    alarms = Alarms(services)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return _plain("alive\n")

    @blueprint.get("/readyz")
    def readyz() -> Response:
        wrong = unready(services, newest)
        return _plain("ready\n") if not wrong else _plain("".join(f"{line}\n" for line in wrong), 503)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        # Callers may wait behind whoever asks: what is away is not waited for longer than for a caller.
        with within(1.0, hasty=True):
            gauges.look(services)
        alarms.look_again()
        return Response(render(), content_type="text/plain; version=0.0.4; charset=utf-8")

    return blueprint


def unready(services: Services, newest: str) -> list[str]:
    """What keeps the service from working, a line each; empty when it can."""
    wrong: list[str] = []
    try:
        with services.database.connection() as connection:
            found = migrate.revision_of(connection)
            # One that is newer is the next release's: it serves this one too (tests/db/test_one_release_back.py).
            if found is None or found < newest:
                wrong.append(f"PostgreSQL: the schema is at {found or 'nothing'}, this release needs {newest}")
    except Away:
        wrong.append("PostgreSQL: does not answer")
    for name, client in (("Redis", services.conversations), ("Redis of the queues", services.receipts_queue)):
        try:
            client.ping()
        except redis.RedisError:
            wrong.append(f"{name}: does not answer")
    return wrong


def _plain(text: str, status: int = 200) -> Response:
    return Response(text, status=status, content_type="text/plain; charset=utf-8")
