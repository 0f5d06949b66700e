"""A cluster of six, and a primary with a replica and three sentinels: real servers of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from bench.stage import free_port
from bot.redis_clients import connect
from scale import valkeys
from scale.hosts import HERE
from scale.valkeys import Sentinel, Server


@dataclass
class Cluster:
    """Six nodes, the first three primaries at the start."""

    nodes: list[Server]

    @property
    def url(self) -> str:
        """By three of its nodes."""
        return "redis+cluster://" + ",".join(f"{host}:{port}" for host, port in (node.node for node in self.nodes[::2]))

    def server_at(self, node: tuple[str, int]) -> Server:
        return next(each for each in self.nodes if each.node == node)


@dataclass
class Queue:
    """A primary that sentinels watch."""

    first: Server
    second: Server
    sentinels: list[Sentinel]

    @property
    def url(self) -> str:
        places = ",".join(f"{host}:{port}" for host, port in (each.node for each in self.sentinels))
        return f"redis+sentinel://{places}/{valkeys.QUEUE}"


@pytest.fixture(scope="module")
def cluster(new_folder: Callable[[], Path]) -> Iterator[Cluster]:
    nodes = valkeys.cluster([(HERE, free_port(), free_port()) for _ in range(6)], new_folder())
    yield Cluster(nodes)
    for node in nodes:
        node.kill()


@pytest.fixture(scope="module")
def queue(new_folder: Callable[[], Path]) -> Iterator[Queue]:
    places = [(HERE, free_port()) for _ in range(5)]
    made = Queue(*valkeys.queue(places[0], places[1], places[2:], new_folder()))
    yield made
    for server in (made.first, made.second, *made.sentinels):
        server.kill()


@pytest.fixture
def client(cluster: Cluster) -> redis.Redis:
    return connect(cluster.url)
