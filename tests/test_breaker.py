"""Who asks a server that has just kept somebody waiting: one caller after each pause, and everybody once it has answered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bot.breaker import Breaker
from tests.stopping import let_breakers_close


def test_a_server_that_answers_is_asked_by_everybody() -> None:
    breaker = Breaker()
    assert [breaker.admits() for _ in range(3)] == [True, True, True]


def test_one_that_kept_somebody_waiting_is_asked_by_nobody_for_a_while() -> None:
    breaker = Breaker()
    breaker.trip()
    assert [breaker.admits() for _ in range(3)] == [False, False, False]


def test_after_the_pause_one_caller_alone_tries() -> None:
    breaker = Breaker()
    breaker.trip()
    let_breakers_close()
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: breaker.admits(), range(64))) == 1


def test_once_somebody_was_answered_everybody_asks_again() -> None:
    breaker = Breaker()
    breaker.trip()
    let_breakers_close()
    assert breaker.admits()
    breaker.heard()
    assert [breaker.admits() for _ in range(3)] == [True, True, True]


def test_one_who_tries_and_never_tells_does_not_keep_the_others_out_for_good() -> None:
    breaker = Breaker()
    breaker.trip()
    let_breakers_close()
    assert breaker.admits()
    assert not breaker.admits()
    let_breakers_close()
    assert breaker.admits()
