"""``sending stop``, ``resume``, ``status`` and the caps, as an admin types them."""

from __future__ import annotations

import json

import pytest

from tests.cli.test_campaign import TEXTS, environment, read_json, world
from tests.cli.test_registry import Balas, balas

__all__ = ["balas", "environment", "world"]


def test_nothing_waits(balas: Balas) -> None:
    assert balas("sending", "status").stdout == "Nothing is stopped.\nNo message waits to be sent.\n"
    assert balas("sending", "resume").stdout == "Nothing was stopped.\n"


@pytest.mark.usefixtures("world")
def test_stop_and_resume(balas: Balas) -> None:
    balas("campaign", "create", "blast", *TEXTS)
    balas("campaign", "send", "blast", "--no-wait")
    done = balas("sending", "stop")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "Everything but replies is stopped. Go on: python -m bot sending resume\n"
    assert "already stopped" in balas("sending", "stop").stdout
    shown = json.loads(balas("sending", "status", "--json").stdout)
    assert (shown["stopped"], shown["unknown"], shown["receipts"]) == (True, 0, 0)
    assert (shown["lanes"]["blast"]["attempts"], shown["lanes"]["blast"]["messages"]) == (1, 3)
    assert shown["lanes"]["reply"] == {"attempts": 0, "messages": 0, "oldest": 0.0}
    assert "3 messages in 1 attempts wait" in balas("sending", "status").stdout
    assert balas("sending", "resume").stdout == "Reminders and blasts leave again.\n"


@pytest.mark.usefixtures("world")
def test_a_cap_needs_a_price(balas: Balas, environment: dict[str, str]) -> None:
    done = balas("campaign", "create", "blast", *TEXTS, "--most-cost", "1000")
    assert (done.exit_code, done.stderr) == (
        1,
        "A cap needs the price of an SMS part: set SMS_PRICE in the environment of all processes.\n",
    )
    environment["SMS_PRICE"] = "350"
    assert read_json(balas, "create", "blast", *TEXTS, "--most-cost", "1000")["most_cost"] == "1000"
    assert read_json(balas, "set-cap", "blast", "2000")["most_cost"] == "2000"
    assert read_json(balas, "set-cap", "blast", "none")["most_cost"] is None
    assert balas("campaign", "set-cap", "blast", "much").exit_code == 2
    assert balas("campaign", "set-cap", "blast", "0").exit_code == 1


@pytest.mark.usefixtures("world")
def test_a_preview(balas: Balas, environment: dict[str, str]) -> None:
    environment["SMS_PRICE"] = "350"
    balas("campaign", "create", "blast", *TEXTS, "--rate", "1", "--ignore-quiet-hours")
    shown = read_json(balas, "preview", "blast")
    assert (shown["recipients"], shown["messages"], shown["shared_numbers"]) == (3, 3, 0)
    assert shown["cost"] == {"amount": "1050", "currency": "IDR"}
    assert shown["segments"] == {"least": 1, "most": 1, "total": 3, "estimated": False}
    lines = balas("campaign", "preview", "blast").stdout.splitlines()
    assert lines[0] == "To everybody who may be sent to: 3 recipients."
    assert lines[1:3] == ["SMS parts: 1 a message, 3 in all.", "Cost: 1,050.00 IDR."]
    assert lines[-1].split() == ["3273", "Kota", "Bandung", "3"]
