"""A client of a Redis Cluster that keeps callers' time: it sends nothing twice, and never looks the cluster over while
somebody waits.

Which node has which of the 16,384 slots is asked by a thread, at the first use and whenever a node did not answer or sent
somebody elsewhere. A redirection (MOVED, ASK) is followed at once, since what it answers has not been carried out. While a
primary is away and no replica has its place yet, whoever asks for its slots hears an error within the limit of a round trip.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import redis
import structlog
from redis.crc import key_slot
from redis.exceptions import AskError, MovedError

from bot.deadline import time_left

_log = structlog.get_logger(__name__)

#: Host and port, as the cluster's nodes call each other.
Node = tuple[str, int]
_T = TypeVar("_T")

SLOTS: Final = 16384
#: How often a question is sent on: once is usual, twice while a slot moves.
REDIRECTIONS: Final = 4
#: Seconds that the first question waits for the map at most, and those between two looks at the cluster.
_FIRST_LOOK, _PAUSE = 0.4, 0.1
#: Commands without a key.
_KEYLESS: Final = {"PING", "SCRIPT LOAD", "SCRIPT EXISTS", "INFO"}


def key_of(command: Sequence[Any]) -> str | bytes | None:
    """The key that decides which node a command goes to, None if it has none; all its keys lie in one slot."""
    name = str(command[0]).upper()
    if name in _KEYLESS:
        return None
    key: str | bytes = command[3] if name in {"EVAL", "EVALSHA"} else command[1]
    return key


def slot_of(key: str | bytes) -> int:
    """The slot of a key: of what stands in its braces, if it has any."""
    return int(key_slot(key if isinstance(key, bytes) else key.encode()))


class Topology:
    """Which node has which slot. Shared by threads."""

    def __init__(self, seeds: Sequence[Node], options: Mapping[str, Any]) -> None:
        self._seeds = tuple(seeds)
        self._options = dict(options)
        self._clients: dict[Node, redis.Redis] = {}
        self._owners: list[Node] = []
        self._known = threading.Event()
        self._wanted = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def client_of(self, node: Node) -> Any:
        """The client of a node, of redis-py, many of whose methods have no types; makes no connection by itself."""
        found = self._clients.get(node)
        if found is None:
            found = self._clients.setdefault(node, redis.Redis(host=node[0], port=node[1], **self._options))
        return found

    def owner_of(self, key: str | bytes) -> Node:
        """The node that has a key's slot; raises ``redis.ConnectionError`` while nobody knows."""
        self._await_map()
        return self._owners[slot_of(key)]

    def primaries(self) -> list[Node]:
        """The nodes that have slots; raises ``redis.ConnectionError`` while nobody knows."""
        self._await_map()
        return sorted(set(self._owners))

    def moved(self, error: MovedError, asked: Node) -> Node:
        """The node to which a slot has moved, as the one that was asked says."""
        node = _named(error, asked)
        if self._owners:
            self._owners[error.slot_id] = node
        self.look_again()
        return node

    def look_again(self) -> None:
        """Have the map made anew by the thread that does so; returns at once."""
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._look_on, name="cluster", daemon=True)
                    self._thread.start()
        self._wanted.set()

    def _await_map(self) -> None:
        if self._known.is_set():
            return
        self.look_again()
        left = time_left()
        if not self._known.wait(_FIRST_LOOK if left is None else max(0.0, min(left, _FIRST_LOOK))):
            raise redis.ConnectionError("no node of the cluster answers")

    def _look_on(self) -> None:
        silent = False
        while self._wanted.wait():
            self._wanted.clear()
            why = self._look()
            if why and not silent:
                _log.warning("cluster_tells_nothing", error=why)
            silent = bool(why)
            # Whoever finds a node away asks again; ten looks a second cost the cluster nothing.
            threading.Event().wait(_PAUSE)

    def _look(self) -> str:
        """Ask the nodes one after the other, until one tells; else, why the last one did not."""
        known = list({*self._owners, *self._seeds})
        random.shuffle(known)
        why = ""
        for node in known:
            try:
                told: Any = self.client_of(node).execute_command("CLUSTER SLOTS")
                owners = _owners(told, node[0])
            except (redis.RedisError, ValueError, LookupError) as error:
                why = type(error).__name__
                continue
            self._owners = owners
            self._known.set()
            return ""
        return why


def _named(error: AskError, asked: Node) -> Node:
    # Without a host it is the same machine's, at another port.
    return str(error.host) or asked[0], int(error.port)


def _owners(told: Any, asked: str) -> list[Node]:
    """The node of each slot, from the answer to CLUSTER SLOTS; raises ``LookupError`` where some have none."""
    owners: list[Node | None] = [None] * SLOTS
    for first, last, primary, *_ in told:
        # A node that does not know its own address is where it was asked.
        host = primary[0].decode() if isinstance(primary[0], bytes) else primary[0]
        node = (host or asked, int(primary[1]))
        owners[first : last + 1] = [node] * (last + 1 - first)
    known = [node for node in owners if node is not None]
    if len(known) != SLOTS:
        raise LookupError("some slots are nobody's")
    return known


class ClusterClient(redis.Redis):
    """A client that sends each command to the node that has its key's slot. Without transactions and pipelines."""

    def __init__(self, seeds: Sequence[Node], options: Mapping[str, Any]) -> None:
        host, port = seeds[0]
        super().__init__(host=host, port=port, **options)
        self.topology = Topology(seeds, options)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """The answer to a command; raises ``redis.RedisError``."""
        key = key_of(args)
        if key is None:
            return self._anywhere(*args, **options)

        def ask(client: Any, asking: bool) -> Any:
            if not asking:
                return client.execute_command(*args, **options)
            connection = client.connection_pool.get_connection()
            try:
                connection.send_command("ASKING")
                connection.read_response()
                connection.send_command(*args)
                return client.parse_response(connection, args[0], **options)
            finally:
                client.connection_pool.release(connection)

        return redirected(self.topology, key, ask, lambda error: error)

    def _anywhere(self, *args: Any, **options: Any) -> Any:
        """PING goes to any one node that answers, the rest to all primaries; returns the last one's answer."""
        nodes = self.topology.primaries()
        random.shuffle(nodes)
        answer, away = None, None
        for node in nodes:
            try:
                answer, away = self.topology.client_of(node).execute_command(*args, **options), None
            except (redis.ConnectionError, redis.TimeoutError) as error:
                self.topology.look_again()
                away = error
            if args[0] == "PING" and away is None:
                break
        if answer is None and away is not None:
            raise away
        return answer

    def scan_iter(self, *args: Any, **options: Any) -> Iterator[Any]:
        """The keys of all nodes."""
        for node in self.topology.primaries():
            yield from self.topology.client_of(node).scan_iter(*args, **options)

    def pipeline(self, *_args: Any, **_options: Any) -> Any:
        """There is none; raises ``NotImplementedError``. What belongs together is one script."""
        raise NotImplementedError("a cluster has no pipeline here")


def redirected(
    topology: Topology, key: str | bytes, ask: Callable[[Any, bool], _T], why: Callable[[Exception], object]
) -> _T:
    """What ``ask`` returns when it is given the client of the node that has ``key``, and whether to say ASKING first.

    ``why``: the error of Redis in one that ``ask`` raised.
    """
    node, asking = topology.owner_of(key), False
    for _ in range(REDIRECTIONS):
        try:
            return ask(topology.client_of(node), asking)
        except Exception as error:
            cause = why(error)
            if isinstance(cause, MovedError):
                node, asking = topology.moved(cause, node), False
            elif isinstance(cause, AskError):
                node, asking = _named(cause, node), True
            else:
                topology.look_again()
                raise
    raise redis.ConnectionError("the slot is on the move")
