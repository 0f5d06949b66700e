"""Conversations on a Redis Cluster: a store for each node, and each phone goes to the node that has its key."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import redis

from bot.conversation.store import SAVE, Record, Store, StoreAway
from bot.redis_cluster import ClusterClient, redirected

_T = TypeVar("_T")


class _NodeStore(Store):
    """The conversations of one node. Its breaker is its own: one node that is away keeps nobody from the others."""

    def permit(self) -> None:
        """Have the node answer this thread's next command on a key that is moving to it; raises ``StoreAway``."""
        try:
            # A script that the node does not know yet would take two commands, and the permit is for one.
            self._ask("SCRIPT", "LOAD", SAVE)
            self._ask("ASKING")
        except redis.RedisError as error:
            raise self._away(error) from error

    def forget(self, phone: str) -> None:
        try:
            self._ask("DEL", self.key(phone))
        except redis.RedisError as error:
            raise self._away(error) from error


class ClusterStore(Store):
    """Loads and saves records as ``Store`` does; a redirection is one round trip more."""

    def __init__(self, client: ClusterClient) -> None:
        super().__init__(client)
        self._topology = client.topology
        self._stores: dict[redis.Redis, _NodeStore] = {}

    def load(self, phone: str) -> tuple[Record | None, int]:
        return self._at(phone, lambda store: store.load(phone))

    def save(self, phone: str, version: int, record: Record) -> bool:
        return self._at(phone, lambda store: store.save(phone, version, record))

    def forget(self, phone: str) -> None:
        self._at(phone, lambda store: store.forget(phone))

    def _at(self, phone: str, do: Callable[[Store], _T]) -> _T:
        def ask(client: redis.Redis, asking: bool) -> _T:
            store = self._stores.get(client) or self._stores.setdefault(client, _NodeStore(client))
            if asking:
                store.permit()
            return do(store)

        try:
            return redirected(self._topology, self.key(phone), ask, lambda error: error.__cause__)
        except redis.RedisError as error:
            raise StoreAway(type(error).__name__) from error


def store_on(client: redis.Redis) -> Store:
    """The conversations on a server or a cluster."""
    return ClusterStore(client) if isinstance(client, ClusterClient) else Store(client)
