"""A campaign's way by programs: drafted, looked at, approved by another, sent, paused, resumed, cancelled."""

from __future__ import annotations

import pytest

from bot.campaigns import launching
from bot.officers.accounts import Role
from bot.services import Services
from tests.web.admin.neighbours import Neighbours
from tests.web.api.conftest import HELLO, Program, Programs, draft_of, look, problem


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {**environ, "CAMPAIGN_APPROVAL_ABOVE": "1"}


@pytest.fixture
def sari(program: Programs, town: Neighbours) -> Program:
    return program(name="sari")


def _state(caller: Program, number: int) -> str:
    return str(caller.reads(f"/campaigns/{number}")["campaign"]["state"])


def test_the_whole_way(sari: Program, program: Programs, services: Services, town: Neighbours) -> None:
    budi = program(name="budi")
    made = sari.does("/campaigns", {"name": "first", "texts": {"id": HELLO}})
    number, seen = made["campaign"]["id"], made["seen"]
    assert (made["campaign"]["state"], made["campaign"]["created_by"]) == ("draft", "api:sari")
    assert made["preview"] is None
    at = f"/campaigns/{number}"
    problem(sari.asks("POST", f"{at}/approve", {"seen": seen}), 409, "being-counted")
    look(services, number)
    assert sari.reads(at)["preview"]["recipients"] == 2
    problem(sari.asks("POST", f"{at}/send", {"seen": seen}), 409, "not-now")
    problem(sari.asks("POST", f"{at}/approve", {"seen": seen}), 409, "needs-another")
    problem(budi.asks("POST", f"{at}/approve", {"seen": "something else"}), 409, "changed")
    approved = budi.does(f"{at}/approve", {"seen": seen})
    assert (approved["state"], approved["approved_by"]) == ("approved", "api:budi")
    assert sari.does(f"{at}/send", {"seen": seen})["state"] == "starting"
    launching.start_due(
        *(services.database, services.gateways, services.clock.now()),
        approval_above=services.settings.campaign_approval_above,
    )
    running = sari.reads(at)
    assert running["campaign"]["state"] == "running"
    assert running["counts"]["queued"] == 2
    assert sari.does(f"{at}/pause")["state"] == "paused"
    problem(sari.asks("POST", f"{at}/pause"), 409, "not-now")
    assert sari.does(f"{at}/resume")["state"] == "running"
    assert sari.does(f"{at}/cancel")["state"] == "cancelled"
    problem(sari.asks("POST", f"{at}/resume"), 409, "not-now")
    acts = services.database.rows("SELECT actor, action FROM audit WHERE action LIKE 'campaign.%' ORDER BY id")
    assert [each for each in acts if each[0].startswith("api:")] == [
        ("api:sari", "campaign.create"),
        ("api:budi", "campaign.approve"),
        ("api:sari", "campaign.send"),
        ("api:sari", "campaign.pause"),
        ("api:sari", "campaign.resume"),
        ("api:sari", "campaign.cancel"),
    ]


def test_a_program_is_no_second_person(sari: Program, services: Services) -> None:
    """Who made a campaign in the browser does not approve it by a program."""
    campaign = draft_of(services, "first", actor="sari")
    seen = sari.reads(f"/campaigns/{campaign.id}")["seen"]
    problem(sari.asks("POST", f"/campaigns/{campaign.id}/approve", {"seen": seen}), 409, "needs-another")
    assert _state(sari, campaign.id) == "draft"


def test_what_a_draft_must_have(sari: Program) -> None:
    good = {"name": "first", "texts": {"id": HELLO}}
    for wrong in (
        {"name": ""},
        {"name": " first"},
        {"texts": {}},
        {"texts": {"en": "Hello"}},
        {"texts": {"id": "{nothing}"}},
        {"gateway": "none"},
        {"rate": 0},
        {"most_cost": "100"},
        {"start_at": "2020-01-01T00:00:00Z"},
        {"start_at": "2021-01-14T00:00:00"},
        {"audience": {"districts": ["9999"]}},
        {"audience": {"area": {"district": "3273"}}},
        {"audience": {"phones": ["no phone"]}},
    ):
        assert problem(sari.asks("POST", "/campaigns", good | wrong), 422, "invalid")["errors"], wrong
    sari.does("/campaigns", good)
    problem(sari.asks("POST", "/campaigns", good), 422, "invalid")


def test_numbers_of_a_list_are_never_told(sari: Program, town: Neighbours) -> None:
    body = {"name": "list", "texts": {"id": HELLO}, "audience": {"phones": [town.here.phone]}}
    made = sari.does("/campaigns", body)
    assert made["campaign"]["phones"] == 1
    for told in (made, sari.reads("/campaigns"), sari.reads(f"/campaigns/{made['campaign']['id']}")):
        assert str(town.here.phone) not in str(told)


def test_campaigns_by_the_page(program: Programs, town: Neighbours, services: Services) -> None:
    caller = program(Role.PROVINCE, "32")
    for number in range(5):
        draft_of(services, f"c{number}", {"district": "3578" if number == 2 else "3273"})
    names, cursor = [], None
    for _ in range(2):
        page = caller.reads("/campaigns", limit=2, **({} if cursor is None else {"cursor": cursor}))
        names += [each["name"] for each in page["campaigns"]]
        cursor = page["next"]
    assert names == ["c4", "c3", "c1", "c0"]
    assert cursor is None
