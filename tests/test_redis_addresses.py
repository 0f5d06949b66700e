"""The addresses of Redis, as settings write them."""

from __future__ import annotations

import pytest

from bot.redis_addresses import RedisKind, redis_address


@pytest.mark.parametrize("url", ["redis://host:6379/0", "rediss://u:p@host/1", "unix:///run/valkey.sock?db=0"])
def test_one_server_is_left_to_the_library(url: str) -> None:
    found = redis_address(url)
    assert (found.kind, found.url, found.nodes) == (RedisKind.SINGLE, url, ())


def test_a_cluster_is_named_by_some_of_its_nodes() -> None:
    found = redis_address("redis+cluster://balas:p%40ss@a.example:7000, [fd00::1]:7001,10.0.0.3")
    assert found.kind is RedisKind.CLUSTER
    assert found.nodes == (("a.example", 7000), ("fd00::1", 7001), ("10.0.0.3", 6379))
    assert (found.user, found.password, found.tls) == ("balas", "p@ss", False)


def test_sentinels_name_the_primary_and_its_database() -> None:
    found = redis_address("rediss+sentinel://:secret@s1:26379,s2/balas/3?sentinel_user=u&sentinel_password=w%26")
    assert found.kind is RedisKind.SENTINEL
    assert found.nodes == (("s1", 26379), ("s2", 26379))
    assert (found.primary, found.db, found.tls) == ("balas", 3, True)
    assert (found.user, found.password, found.sentinel_user, found.sentinel_password) == (None, "secret", "u", "w&")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://host", "must start with redis://"),
        ("redis+cluster://", "host:port,host:port"),
        ("redis+cluster://host:port", "host:port,host:port"),
        ("redis+cluster://host:70000", "host:port,host:port"),
        ("redis+cluster://a:1,,b:2", "host:port,host:port"),
        ("redis+cluster://host:1/3", "no databases"),
        ("redis+cluster://host:1?ssl=1", "takes no 'ssl'"),
        ("redis+sentinel://host:1", "the name that the sentinels know"),
        ("redis+sentinel://host:1/name/db", "the name that the sentinels know"),
        ("redis+sentinel://host:1/name?password=x", "takes no 'password'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        redis_address(url)


def test_no_error_tells_the_password() -> None:
    with pytest.raises(ValueError, match="host:port") as caught:
        redis_address("redis+cluster://user:hunter2@host:x")
    assert "hunter2" not in str(caught.value)
