"""The OpenAPI document describes what runs: it is valid, and the service answers as it says, whatever it is sent."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bot.messaging import brakes
from bot.services import Services
from bot.web.api.front import declared
from tests.web.admin.neighbours import Neighbours
from tests.web.api.conftest import HELLO, Programs, draft_of

#: Requests to each route, of data that fits and of data that does not.
_EXAMPLES = 14
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
#: What does not fit may also be too large.
_CONFIG = schemathesis.Config.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 413, 415, 422, 429]}}}
)


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {**environ, "API_REQUESTS_A_MINUTE": "1000000"}


def _document(app: Flask) -> Any:
    answer = app.test_client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    return answer.json


def test_it_is_openapi_3_1(app: Flask) -> None:
    document = _document(app)
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_in_it_with_its_right_and_what_can_go_wrong(app: Flask) -> None:
    document = _document(app)
    said = {each["operationId"]: each for path in document["paths"].values() for each in path.values()}
    assert set(said) == {route.name for route in declared().every()}
    for route in declared().every():
        operation = said[route.name]
        assert operation["summary"]
        assert route.needs.name in operation["description"]
        assert {"401", "403", "404", "422", "429", "503"} <= set(operation["responses"])
        assert operation["responses"]["200"]["headers"]["X-Request-Id"]["required"]
        headers = {each["name"] for each in operation.get("parameters", []) if each["in"] == "header"}
        assert headers == ({"Idempotency-Key"} if route.once else set())


def test_whatever_sends_or_books_carries_a_key() -> None:
    reading = {route.name for route in declared().every() if route.method != "GET" and not route.once}
    assert reading == {"search_people"}


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_it_answers_as_it_says(
    app: Flask, program: Programs, services: Services, town: Neighbours, mode: GenerationMode
) -> None:
    caller = program()
    campaign = draft_of(services, "first")
    caller.does(f"/people/{town.here.id}/booking", {"session": town.session, "condition": "none"})
    there = {"number": campaign.id, "worker": town.here.id, "code": "F-HERE"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app, config=_CONFIG)
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        names = {each["name"] for each in operation.definition.raw.get("parameters", []) if each["in"] == "path"}
        known = operation.as_strategy(generation_mode=mode, path_parameters={name: there[name] for name in names})

        @settings(
            max_examples=_EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode) | known if names else known)
        def answers_as_it_says(case: schemathesis.Case) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(headers={"Authorization": f"Bearer {caller.token}"}, checks=_CHECKS)

        answers_as_it_says()
    assert asked > 100
    brakes.go_on(services.database, services.clock.now(), "tests")
    assert caller.does("/campaigns", {"name": "still there", "texts": {"id": HELLO}})["campaign"]["state"] == "draft"
