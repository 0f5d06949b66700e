"""Where conversations stand: on a real server, which is sometimes not there."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import redis

from bot.conversation import store as stores
from bot.conversation.store import KEEP_SECONDS, Record, Store, StoreAway, decode, encode
from bot.embedded.servers import EmbeddedServers
from bot.redis_clients import REDIS_TIMEOUT, connect
from tests.conversation.wire import Wire
from tests.stopping import paused

PHONE = "+6281234567890"
KEY = "conv:{+6281234567890}"


@pytest.fixture
def store(redis_client: redis.Redis) -> Store:
    return Store(redis_client)


def _record(answer: str = "Hello", at: float = 1.5) -> Record:
    return Record(
        at=at, conversation={"s": "seat"}, session="s1", heard="d", heard_length=3, answer=answer, goes_on=True
    )


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


class TestRoundTrip:
    def test_nothing_is_there_at_first(self, store: Store) -> None:
        assert store.load(PHONE) == (None, 0)

    def test_what_is_saved_is_loaded(self, store: Store) -> None:
        assert store.save(PHONE, 0, _record())
        assert store.load(PHONE) == (_record(), 1)

    def test_everybody_has_a_key_of_their_own_in_one_slot(self, store: Store, redis_client: redis.Redis) -> None:
        store.save(PHONE, 0, _record())
        assert redis_client.keys() == [KEY.encode()]
        assert store.load(PHONE + "1") == (None, 0)

    @pytest.mark.parametrize("answer", ["", "a:b:c", "\n\t\"'", "é ß 😀 \x00", "x" * 5000])
    def test_whatever_was_answered_comes_back_as_it_was(self, store: Store, answer: str) -> None:
        store.save(PHONE, 0, _record(answer))
        loaded, _ = store.load(PHONE)
        assert loaded == _record(answer)

    def test_it_is_collected_after_no_conversation_could_be_resumed_any_more(
        self, store: Store, redis_client: redis.Redis
    ) -> None:
        store.save(PHONE, 0, _record())
        store.save(PHONE, 1, _record())
        assert KEEP_SECONDS - 5 <= redis_client.ttl(KEY) <= KEEP_SECONDS
        assert KEEP_SECONDS > 48 * 3600

    def test_it_can_be_forgotten(self, store: Store) -> None:
        store.save(PHONE, 0, _record())
        store.forget(PHONE)
        assert store.load(PHONE) == (None, 0)


class TestCompareAndSet:
    def test_the_version_that_was_read_wins_and_an_older_one_loses(self, store: Store) -> None:
        assert store.save(PHONE, 0, _record("first"))
        assert store.save(PHONE, 1, _record("second"))
        assert not store.save(PHONE, 1, _record("late"))
        assert store.load(PHONE) == (_record("second"), 2)

    def test_of_many_at_once_one_wins(self, store: Store) -> None:
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda number: store.save(PHONE, 0, _record(str(number))), range(16)))
        assert won.count(True) == 1
        loaded, version = store.load(PHONE)
        assert (loaded, version) == (_record(str(won.index(True))), 1)

    def test_what_was_lost_meanwhile_makes_the_save_lose(self, store: Store, redis_client: redis.Redis) -> None:
        store.save(PHONE, 0, _record())
        redis_client.flushall()
        assert not store.save(PHONE, 1, _record())
        assert store.load(PHONE) == (None, 0)

    def test_the_same_save_twice_is_one(self, redis_client: redis.Redis) -> None:
        """A client that re-sends after a lost answer must not be told that somebody else was faster."""
        save = redis_client.register_script(stores.SAVE)
        arguments: list[int | str | bytes] = ["", b"1:token:" + encode(_record()), 60, len("1:token:") - 1]
        assert [save(keys=[KEY], args=arguments) for _ in range(2)] == [1, 1]
        assert redis_client.get(KEY) == b"1:token:" + encode(_record())
        assert save(keys=[KEY], args=["", b"1:other:" + encode(_record()), 60, len("1:other:") - 1]) == 0

    def test_two_saves_never_share_a_token(self, store: Store, redis_client: redis.Redis) -> None:
        tokens = set()
        for version in range(50):
            random.seed(4711)  # whoever seeds the module's generator must not make saves look alike
            store.save(PHONE, version, _record())
            kept = redis_client.get(KEY)
            assert isinstance(kept, bytes)
            tokens.add(kept.split(b":")[1])
        assert len(tokens) == 50

    def test_the_children_of_a_process_do_not_share_tokens(self, store: Store) -> None:
        """Servers fork: children that went on from one state would draw the same tokens in the same order."""

        def token(_: int) -> str:
            reading, writing = os.pipe()
            if os.fork() == 0:
                os.write(writing, f"{stores._tokens.getrandbits(64):x}".encode())
                os._exit(0)
            os.wait()
            with os.fdopen(reading) as pipe, os.fdopen(writing, "w") as end:
                end.close()
                return pipe.read()

        assert len({token(number) for number in range(3)}) == 3

    def test_a_server_that_has_forgotten_the_script_is_taught_again(
        self, store: Store, redis_client: redis.Redis
    ) -> None:
        store.save(PHONE, 0, _record())
        redis_client.script_flush()
        assert store.save(PHONE, 1, _record("second"))


_UNREADABLE = (
    *(b"", b"{", b"[]", b"null", b"4", b"\xff", b'{"v": 1}', b'{"v": "1"}', b'{"v":1,}'),
    *(b'{"v":1,"c":null}', b'{"v":1,"a":"soon"}', b'{"v":1,"a":1.5,"c":[]}', b'{"v":1,"a":1.5,"w":4}'),
    b'{"v":1,"a":1.5,"c":' + b"[" * 5000,
)


class TestForms:
    def test_what_cannot_be_read_is_nothing(self) -> None:
        assert [decode(text) for text in _UNREADABLE] == [None] * len(_UNREADABLE)

    def test_what_cannot_be_read_is_overwritten_by_the_next_save(self, store: Store, redis_client: redis.Redis) -> None:
        redis_client.set(KEY, b"7:token:{broken")
        assert store.load(PHONE) == (None, 7)
        assert store.save(PHONE, 7, _record())
        assert store.load(PHONE) == (_record(), 8)


class TestAway:
    """A connection takes what it takes: the limit for itself, and a little for being made."""

    def test_a_paused_server_costs_one_time_limit(self, store: Store, servers: EmbeddedServers) -> None:
        store.load(PHONE)
        with paused(servers.valkey.pid):
            with _within(REDIS_TIMEOUT + 0.8), pytest.raises(StoreAway):
                store.load(PHONE)
            with _within(REDIS_TIMEOUT + 0.8), pytest.raises(StoreAway):
                store.save(PHONE, 0, _record())

    def test_a_late_answer_is_never_taken_for_the_next_one(self, store: Store, servers: EmbeddedServers) -> None:
        store.save(PHONE, 0, _record("mine"))
        store.save(PHONE + "1", 0, _record("yours"))
        with paused(servers.valkey.pid), pytest.raises(StoreAway):
            store.load(PHONE)
        assert store.load(PHONE + "1") == (_record("yours"), 1)
        assert store.load(PHONE) == (_record("mine"), 1)

    def test_nobody_waits_behind_one_who_has_just_waited_in_vain(self, store: Store, servers: EmbeddedServers) -> None:
        with paused(servers.valkey.pid):
            with pytest.raises(StoreAway):
                store.load(PHONE)
            with _within(REDIS_TIMEOUT / 2):
                for _ in range(20):
                    with pytest.raises(StoreAway):
                        store.load(PHONE)
        assert store.load(PHONE) == (None, 0)

    def test_no_server_at_all_is_told_at_once(self, redis_url: str) -> None:
        with Wire(redis_url) as wire:
            store = Store(connect(wire.url))
            store.load(PHONE)
            wire.cut()
            for call in (
                lambda: store.load(PHONE),
                lambda: store.save(PHONE, 0, _record()),
                lambda: store.forget(PHONE),
            ):
                with _within(1.0), pytest.raises(StoreAway):
                    call()

    def test_a_port_where_nobody_listens(self) -> None:
        with pytest.raises(StoreAway):
            Store(connect("redis://127.0.0.1:1/0")).load(PHONE)

    def test_connections_that_the_server_closed_while_idle_harm_nothing(self, redis_url: str) -> None:
        with Wire(redis_url) as wire:
            store = Store(connect(wire.url))
            store.save(PHONE, 0, _record())
            wire.drop()
            assert store.load(PHONE) == (_record(), 1)
            wire.drop()
            store.forget(PHONE)

    def test_every_thread_has_a_connection_of_its_own(self, store: Store, servers: EmbeddedServers) -> None:
        """A thread that waits for a server must not hold up the others' connections beyond their own limit."""
        barrier = threading.Barrier(4)

        def load(_: int) -> float:
            barrier.wait()
            started = time.monotonic()
            with pytest.raises(StoreAway):
                store.load(PHONE)
            return time.monotonic() - started

        with ThreadPoolExecutor(4) as pool, paused(servers.valkey.pid):
            took = list(pool.map(load, range(4)))
        assert max(took) < 3 * REDIS_TIMEOUT


class TestNothingIsSentTwice:
    """redis-py left to itself sends a command again, up to ten times, when the connection broke after it was received."""

    def test_a_command_whose_answer_is_lost_is_carried_out_once(self, redis_url: str) -> None:
        with Wire(redis_url) as wire, connect(wire.url) as client:
            client.get("warm")
            wire.loses = b"INCR"
            with pytest.raises(redis.ConnectionError):
                client.incr("counter")
            wire.loses = None
            assert wire.carried(b"INCR") == 1
            assert client.get("counter") == b"1"

    def test_a_save_whose_answer_is_lost_is_told_and_was_carried_out_once(self, redis_url: str) -> None:
        with Wire(redis_url) as wire:
            store = Store(connect(wire.url))
            store.save(PHONE, 0, _record())
            before = wire.carried(b"EVALSHA")
            wire.loses = b"EVALSHA"
            with pytest.raises(StoreAway):
                store.save(PHONE, 1, _record("second"))
            wire.loses = None
            assert wire.carried(b"EVALSHA") == before + 1
            assert store.load(PHONE) == (_record("second"), 2)
