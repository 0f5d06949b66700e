"""The pace of a gateway: never more than the rate, whoever asks, however the rate changes, whatever the gateway asks for.

The pace keeps Redis' own time. A test lets time pass by moving what is kept back by as much.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.campaigns.composing import Composer
from bot.campaigns.planning import Budget, Planner
from bot.messaging.outbox import Lane
from bot.messaging.pacing import HORIZON, Pace, Slot
from bot.messaging.sending import Sender
from bot.redis_clients import connect
from tests.campaigns.office import Office
from tests.campaigns.town import JAKARTA, WINDOW
from tests.messaging.post import Post

GATEWAY = "africastalking"
KEY = f"pace:{{{GATEWAY}}}"
#: Microseconds.
SECOND = 1_000_000


class Watched:
    """A pace, and on its own time what it granted: (start, cost) in microseconds."""

    def __init__(self, client: redis.Redis) -> None:
        client.delete(KEY)
        self.client, self.pace = client, Pace(client)
        self.passed = 0
        self.granted: list[tuple[int, int]] = []

    @property
    def now(self) -> int:
        seconds, microseconds = self.client.time()  # type: ignore[misc]
        return int(seconds) * SECOND + int(microseconds) + self.passed

    def kept(self, name: str) -> int:
        told = self.client.hget(KEY, name)
        return int(told) + self.passed if told is not None else 0  # type: ignore[arg-type]

    def passes(self, microseconds: int) -> None:
        for name in ("next", "rests_until"):
            if self.client.hexists(KEY, name):
                self.client.hincrby(KEY, name, -microseconds)
        self.passed += microseconds

    def asks(self, messages: int, rate: float) -> Slot:
        before = self.client.hgetall(KEY)
        asked_at = self.now
        slot = self.pace.take(GATEWAY, messages, rate)
        if not slot.granted:
            assert slot.wait > HORIZON
            assert self.client.hgetall(KEY) == before, "a refusal takes nothing"
            return slot
        cost = round(messages / rate * SECOND)
        start = self.kept("next") - cost
        assert 0 <= slot.wait <= HORIZON
        assert start >= asked_at, "nothing is saved up for later"
        assert start >= self.kept("rests_until"), "a gateway that asked for it is left alone"
        self.granted.append((start, cost))
        return slot


ASKS = st.tuples(st.just("ask"), st.integers(1, 50), st.sampled_from([1.0, 7.5, 20.0, 300.0]))
PASSES = st.tuples(st.just("pass"), st.integers(0, 2 * SECOND), st.just(0.0))
RESTS = st.tuples(st.just("rest"), st.integers(0, 9), st.just(0.0))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.one_of(ASKS, ASKS, ASKS, PASSES, PASSES, RESTS), min_size=2, max_size=25))
def test_never_more_than_the_rate_in_any_window(redis_url: str, steps: list[tuple[str, int, float]]) -> None:
    watched = Watched(connect(redis_url))
    for what, number, rate in steps:
        match what:
            case "ask":
                watched.asks(number, rate)
            case "pass":
                watched.passes(number)
            case _:
                assert watched.pace.rest(GATEWAY, float(number)) > 0
    # Whatever window: what started in it, but for the last, had to have left room for what came after.
    for first in range(len(watched.granted)):
        for last in range(first + 1, len(watched.granted)):
            spent = sum(cost for _, cost in watched.granted[first:last])
            assert spent <= watched.granted[last][0] - watched.granted[first][0]


def test_many_who_ask_at_once_get_no_more_than_one_would(redis_url: str) -> None:
    watched = Watched(connect(redis_url))
    began, rate, messages = watched.now, 1000.0, 5

    def asks(_number: int) -> list[Slot]:
        pace = Pace(connect(redis_url))
        return [pace.take(GATEWAY, messages, rate) for _ in range(100)]

    with ThreadPoolExecutor(4) as pool:
        granted = [slot for slots in pool.map(asks, range(4)) for slot in slots if slot.granted]
    cost = round(messages / rate * SECOND)
    assert len(granted) * cost <= watched.kept("next") - began
    # The last of them leaves at most a moment after it was asked for.
    assert watched.kept("next") - cost <= watched.now + HORIZON * SECOND


def test_without_a_limit_nothing_is_taken(redis_url: str) -> None:
    watched = Watched(connect(redis_url))
    assert Pace(watched.client).take(GATEWAY, 1000, None) == Slot(True, 0.0)
    assert watched.client.hgetall(KEY) == {}


class _Counting(Pace):
    """The real pace, which remembers what it granted."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client)
        self.granted = 0

    def take(self, gateway: str, messages: int, rate: float | None) -> Slot:
        slot = super().take(gateway, messages, rate)
        self.granted += messages if slot.granted else 0
        return slot


@pytest.mark.parametrize("people", [1, 23])
def test_each_message_is_paid_for_once(mail: Post, redis_url: str, people: int) -> None:
    """A request that was granted for later, and waits, does not ask once more."""
    office = Office(mail.database, gateways=mail.gateways)
    office.workers(people)
    office.running(rate=40, batch_size=10)
    pace = _Counting(connect(redis_url))
    planner = Planner(mail.database, mail.gateways, Composer("*119#", "1199"), WINDOW, Budget(None, None, JAKARTA))
    sender = Sender(mail.database, mail.gateways, mail.clock, Lane.BLAST, pace=pace, composer=planner)
    assert sender.run(lambda: True) == people
    sender.close()
    assert pace.granted == people
