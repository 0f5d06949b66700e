"""``/readyz`` while a database is upgraded under a running service."""

from __future__ import annotations

from flask import Flask

from bot.services import Services
from tests.journeys.conftest import app, clock, environ, services

__all__ = ["app", "clock", "environ", "services"]


def test_the_release_before_stays_ready_on_the_next_ones_schema(app: Flask, services: Services) -> None:
    """So a proxy goes on sending it callers until its own successor is there."""
    client = app.test_client()
    services.database.rows("UPDATE alembic_version SET version_num = '9999'")
    assert client.get("/readyz").status_code == 200
    services.database.rows("UPDATE alembic_version SET version_num = '0001'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "the schema is at 0001" in answer.get_data(as_text=True)
