"""A process that has a successor asks who comes by a connection not to come by it again; its own marks go on."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from bot.web import parting


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parting, "_begun", [])
    parting.begin()


@pytest.mark.parametrize("path", ["/healthz", "/nowhere"])
def test_nobody_is_sent_away_before(client: FlaskClient, path: str) -> None:
    assert "Connection" not in client.get(path).headers


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("path", ["/healthz", "/nowhere"])
def test_each_answer_is_its_connections_last(client: FlaskClient, path: str) -> None:
    assert client.get(path).headers.get_all("Connection") == ["close"]


@pytest.mark.usefixtures("parts")
def test_a_webhooks_answer_is_too(client: FlaskClient) -> None:
    assert client.post("/webhooks/africastalking/wrong/ussd").headers.get_all("Connection") == ["close"]


@pytest.mark.usefixtures("parts")
def test_a_mark_keeps_its_connection(client: FlaskClient) -> None:
    marks = client.application.extensions["marks"]
    answer = client.get(f"{marks.prefix}1.0")
    assert answer.status_code == 204
    assert "Connection" not in answer.headers
