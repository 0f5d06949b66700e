"""The same request again: the answer that was given, another request under the same key, and two at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from werkzeug.test import TestResponse

from bot.kept_for import KeptFor
from bot.officers import once, tokens
from bot.privacy import retention
from bot.privacy.rules import What
from bot.services import Services
from tests.embedded.waiting import eventually
from tests.web.admin.neighbours import Neighbours
from tests.web.api.conftest import HELLO, MovableClock, Program, Programs, problem, told


@pytest.fixture
def caller(program: Programs, town: Neighbours) -> Program:
    return program()


def _wish(town: Neighbours) -> tuple[str, dict[str, object]]:
    return f"/people/{town.here.id}/booking", {"session": town.session, "condition": "none"}


def test_the_same_request_is_answered_as_it_was(caller: Program, town: Neighbours) -> None:
    path, wish = _wish(town)
    first = told(caller.asks("POST", path, wish, key="one"))
    caller.asks("DELETE", path, booking=first["booking"]["booking_id"])
    again = caller.asks("POST", path, wish, key="one")
    assert told(again) == first
    assert again.headers["Idempotency-Replayed"] == "true"
    assert town.world.booking(town.here) is None
    assert len(town.audit("booking.book")) == 1


def test_how_a_request_is_written_makes_no_other_of_it(caller: Program, town: Neighbours) -> None:
    path, wish = _wish(town)
    first = caller.does(path, wish, key="one")
    assert caller.does(path, {**dict(reversed(wish.items())), "instead_of": None}, key="one") == first


def test_a_refusal_is_repeated_as_well(caller: Program, town: Neighbours) -> None:
    path, wish = _wish(town)
    del wish["condition"]
    known = {
        problem(caller.asks("POST", path, wish, key="one"), 409, "screening-wanted")["request_id"] for _ in range(2)
    }
    assert len(known) == 2  # each tells its own


def test_a_mistake_of_ours_leaves_the_key_free(caller: Program, town: Neighbours, services: Services) -> None:
    path, wish = _wish(town)
    services.database.rows("ALTER TABLE screening RENAME TO screening_elsewhere")
    problem(caller.asks("POST", path, wish, key="one"), 500)
    services.database.rows("ALTER TABLE screening_elsewhere RENAME TO screening")
    answer = caller.asks("POST", path, wish, key="one")
    told(answer)
    assert "Idempotency-Replayed" not in answer.headers
    assert len(town.audit("booking.book")) == 1


def test_a_key_belongs_to_one_request_and_one_token(caller: Program, program: Programs, town: Neighbours) -> None:
    path, wish = _wish(town)
    caller.does(path, wish, key="one")
    problem(caller.asks("POST", path, {**wish, "session": town.session_there}, key="one"), 422, "other-request")
    problem(caller.asks("POST", "/system/sending", {"sending": "stop"}, key="one"), 422, "other-request")
    told(program().asks("POST", "/system/sending", {"sending": "stop"}, key="one"))


@pytest.mark.parametrize("key", [None, " ", "two words", "x" * 201, "é"])
def test_without_a_key_nothing_is_done(caller: Program, town: Neighbours, key: str | None) -> None:
    path, wish = _wish(town)
    problem(caller.asks("POST", path, wish, key=key), 400, "no-key")
    assert town.world.booking(town.here) is None


def test_a_request_that_is_not_as_it_must_be_takes_no_key(caller: Program, town: Neighbours) -> None:
    path, wish = _wish(town)
    problem(caller.asks("POST", path, {}, key="one"), 422, "invalid")
    told(caller.asks("POST", path, wish, key="one"))


def test_of_two_at_once_one_is_carried_out(caller: Program, town: Neighbours, services: Services) -> None:
    path, wish = _wish(town)
    answers: list[TestResponse] = []
    first = threading.Thread(target=lambda: answers.append(caller.asks("POST", path, wish, key="one")))
    with services.database.transaction() as connection:
        # The first one waits for the worker's row.
        connection.execute("SELECT 1 FROM worker WHERE id = %s FOR UPDATE", (town.here.id,))
        first.start()
        eventually(lambda: services.database.row("SELECT 1 FROM idempotent_request"))
        second = caller.asks("POST", path, wish, key="one")
    first.join()
    problem(second, 409, "under-way")
    assert int(second.headers["Retry-After"]) > 0
    booked = told(answers[0])
    assert caller.does(path, wish, key="one") == booked
    assert len(town.audit("booking.book")) == 1


def test_two_at_once_race_fairly(caller: Program, town: Neighbours) -> None:
    body = {"name": "first", "texts": {"id": HELLO}}
    start = threading.Barrier(2)
    answers: list[TestResponse] = []

    def asks() -> None:
        start.wait()
        answers.append(caller.asks("POST", "/campaigns", body, key="one"))

    threads = [threading.Thread(target=asks) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = sorted(each.status_code for each in answers)
    assert statuses in ([200, 200], [200, 409])
    assert len(town.audit("campaign.create")) == 1


class TestKept:
    """What happens to the row, without a request around it."""

    @pytest.fixture
    def token(self, caller: Program, services: Services) -> int:
        return tokens.listed(services.database, caller.admin)[0].id

    def _begin(self, services: Services, token: int, key: str = "one", asked: bytes = b"a") -> Any:
        return once.begin(services.database, token, key, asked, services.clock.now())

    def test_what_broke_off_may_be_taken_up_after_a_minute(
        self, services: Services, clock: MovableClock, token: int
    ) -> None:
        at = clock.now
        assert self._begin(services, token) == once.Begun()
        assert self._begin(services, token) == once.UnderWay()
        clock.passes(minutes=1)
        assert self._begin(services, token, asked=b"b") == once.Another()
        assert self._begin(services, token) == once.Begun()
        # Whoever comes back late answers for nobody else.
        once.finish(services.database, token, "one", at, 200, {})
        assert self._begin(services, token) == once.UnderWay()

    def test_what_was_given_up_may_be_tried_at_once(self, services: Services, clock: MovableClock, token: int) -> None:
        self._begin(services, token)
        once.give_up(services.database, token, "one", clock.now)
        assert self._begin(services, token, asked=b"b") == once.Begun()

    def test_answers_are_kept_for_a_day(self, services: Services, clock: MovableClock, token: int) -> None:
        self._begin(services, token)
        once.finish(services.database, token, "one", clock.now, 200, {"a": 1})
        clock.passes(hours=23)
        assert self._begin(services, token) == once.Answered(200, {"a": 1})
        clock.passes(hours=1)
        assert self._begin(services, token, asked=b"b") == once.Begun()

    def test_old_answers_are_dropped(self, services: Services, clock: MovableClock, token: int) -> None:
        self._begin(services, token)
        clock.passes(hours=23)
        self._begin(services, token, "two")
        assert self._dropped(services, clock) == 0
        clock.passes(hours=1)
        assert self._dropped(services, clock) == 1
        assert services.database.rows("SELECT key FROM idempotent_request") == [("two",)]

    def _dropped(self, services: Services, clock: MovableClock) -> int:
        return retention.run(services.database, KeptFor(), clock.now, lambda: True)[What.ANSWERS]
