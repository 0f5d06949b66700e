"""Whatever goes wrong is told as a problem, with nothing in it of what was sent."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from bot.services import Services
from tests.web.admin.neighbours import Neighbours
from tests.web.api.conftest import Program, Programs, problem, told


@pytest.fixture
def caller(program: Programs, town: Neighbours) -> Program:
    return program()


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/campaigns/x", "/campaigns/-1", "/people/1/", "/people/1/2"])
def test_what_is_nowhere(caller: Program, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        problem(caller.asks(method, path or "/", key=None), 404)


@pytest.mark.parametrize("path", ["/campaigns/0", "/people/9223372036854775808", "/facilities/%00/bookings"])
def test_what_no_id_can_be(caller: Program, path: str) -> None:
    problem(caller.asks("GET", path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/progress", "GET, HEAD"),
        ("PUT", "/campaigns", "GET, HEAD, POST"),
        ("OPTIONS", "/people/1/booking", "DELETE, POST"),
        ("GET", "/system/sending", "POST"),
        ("DELETE", "/openapi.json", "GET, HEAD"),
    ],
)
def test_the_wrong_method(caller: Program, method: str, path: str, allowed: str) -> None:
    answer = caller.asks(method, path)
    problem(answer, 405)
    assert answer.headers["Allow"] == allowed


def test_a_method_that_nobody_knows(caller: Program) -> None:
    problem(caller.asks("PROPFIND", "/progress"), 405)
    assert caller.app.test_client().open("/healthz", method="PROPFIND").content_type.startswith("text/plain")


def test_who_asks_for_the_head_gets_no_body(caller: Program) -> None:
    answer = caller.asks("HEAD", "/system")
    assert (answer.status_code, answer.data) == (200, b"")


def test_a_body_that_is_too_large(caller: Program) -> None:
    problem(caller.asks("POST", "/people/search", {"name": "x" * 70_000}), 413)


def test_a_body_that_is_no_json(caller: Program) -> None:
    headers = {"Authorization": f"Bearer {caller.token}", "Idempotency-Key": "one"}
    client = caller.app.test_client()
    problem(client.post("/api/v1/system/sending", headers=headers, data={"sending": "stop"}), 415)
    for body in ("", "{", "[]", '{"sending": "stop"', '{"sending": "\\ud800"}', '{"sending": NaN}'):
        answer = client.post("/api/v1/system/sending", headers=headers, data=body, content_type="application/json")
        assert problem(answer, 422, "invalid")["errors"]


def test_what_does_not_fit_is_named_without_what_was_sent(caller: Program) -> None:
    answer = caller.asks("POST", "/people/search", {"nik": "secret", "name": "secret"})
    problem(answer, 422, "invalid")
    assert "secret" not in answer.get_data(as_text=True)
    found = problem(caller.asks("GET", "/campaigns", limit=0, more=1, cursor="x"), 422, "invalid")
    assert {each["at"] for each in found["errors"]} == {"query.limit", "query.more", "query.cursor"}
    problem(caller.asks("GET", "/system", x=1), 422, "invalid")
    problem(caller.asks("GET", "/campaigns", limit=["1", "2"]), 422, "invalid")
    problem(caller.asks("GET", "/people", phone="12"), 422, "invalid")
    problem(caller.asks("GET", "/people"), 422, "invalid")


def test_a_mistake_of_ours_is_told_without_what_it_was_about(caller: Program, services: Services) -> None:
    services.database.rows("ALTER TABLE api_token RENAME TO api_token_elsewhere")
    answer = caller.asks("GET", "/system")
    found = problem(answer, 500)
    assert "api_token" not in str(found)


class TestAway:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return {**environ, "REDIS_URL": "redis://127.0.0.1:1/0", "QUEUE_REDIS_URL": environ["REDIS_URL"]}

    def test_redis_is_away(self, program: Programs) -> None:
        answer = program().asks("GET", "/system")
        problem(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0


def test_answers_are_kept_nowhere_on_the_way(caller: Program) -> None:
    answer = caller.asks("GET", "/system")
    told(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


class TestRequestIds:
    """Each answer carries the id under which the log has it, a problem also within."""

    def _asks(self, caller: Program, path: str, given: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {caller.token}", "X-Request-Id": given}
        return caller.app.test_client().get(f"/api/v1{path}", headers=headers)

    @pytest.mark.parametrize("path", ["/system", "/openapi.json", "/people/1", "/nothing", "/campaigns/x", "", "//x"])
    def test_ones_own_id_comes_back(self, caller: Program, path: str) -> None:
        answer = self._asks(caller, path, "order-66")
        assert answer.headers.getlist("X-Request-Id") == ["order-66"]
        if answer.status_code not in {200, 308}:
            assert problem(answer, 404)["request_id"] == "order-66"

    @pytest.mark.parametrize("given", ["", "-", "two words", "x" * 65, "<b>", "é", "0812-0000-0001"])
    def test_what_is_no_plain_id_is_not_repeated(self, caller: Program, given: str) -> None:
        found = {self._asks(caller, path, given).headers["X-Request-Id"] for path in ("/system", "/nothing")}
        assert len(found) == 2
        assert given not in found
        # What has no digit is taken by no detector for somebody's NIK, whatever chance makes of it.
        assert all(each.isascii() and each.isalpha() and len(each) == 16 for each in found)
