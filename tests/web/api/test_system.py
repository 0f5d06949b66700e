"""What waits, the brakes, and the audit log, by programs."""

from __future__ import annotations

import pytest

from bot.messaging import brakes
from bot.services import Services
from tests.web.admin.neighbours import Neighbours
from tests.web.api.conftest import Program, Programs, problem


@pytest.fixture
def caller(program: Programs, town: Neighbours) -> Program:
    return program(name="sari")


def test_what_waits(caller: Program, town: Neighbours) -> None:
    caller.does(f"/people/{town.here.id}/booking", {"session": town.session, "condition": "none"})
    found = caller.reads("/system")
    assert {each["lane"]: each["messages"] for each in found["lanes"]} == {"reply": 1, "reminder": 0, "blast": 0}
    assert (found["stopped"], found["unknown"]) == (False, 0)


def test_the_brakes(caller: Program, services: Services, town: Neighbours) -> None:
    assert caller.does("/system/sending", {"sending": "stop"}) == {"stopped": True, "changed": True}
    assert caller.does("/system/sending", {"sending": "stop"}) == {"stopped": True, "changed": False}
    assert brakes.is_stopped(services.database)
    assert caller.reads("/system")["stopped"]
    assert caller.does("/system/sending", {"sending": "resume"}) == {"stopped": False, "changed": True}
    assert [line[0] for line in town.audit("sending.stop")] == ["api:sari"]


def test_the_audit_log_by_the_page(caller: Program) -> None:
    for sending in ("stop", "resume", "stop"):
        caller.does("/system/sending", {"sending": sending})
    found, cursor = [], ""
    while True:
        page = caller.reads("/audit", actor="api:sari", limit=2, cursor=cursor)
        found += [each["action"] for each in page["lines"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == ["sending.stop", "sending.resume", "sending.stop"]
    assert caller.reads("/audit", since="2030-01-01T00:00:00Z")["lines"] == []
    for wrong in ({"cursor": "x"}, {"cursor": "2021_99999999999999999999"}, {"cursor": "5-5_1"}, {"since": "today"}):
        problem(caller.asks("GET", "/audit", **wrong), 422, "invalid")
