"""Valkey past one server: a cluster, and a primary with a replica and sentinels; on hosts or, for tests, on this machine."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import redis

from bot.embedded.binaries import valkey_program
from bot.embedded.child import BARE_ENVIRONMENT, spawn
from scale.hosts import Host

#: What the sentinels call the queue's servers.
QUEUE: Final = "balas"
#: Milliseconds after which a node of the cluster, and the queue's primary, count as gone.
NODE_TIMEOUT_MS: Final = 1000
_SLOTS: Final = 16384
#: Seconds that a server may take to answer, and a cluster or sentinels to agree.
_PATIENCE: Final = 20.0
_COMMON: Final = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "protected-mode": "no",
    "slowlog-log-slower-than": "-1",
    "crash-log-enabled": "no",
    # By default a primary waits five seconds for more replicas before it sends the first its data.
    "repl-diskless-sync-delay": "0",
}


@dataclass
class Server:
    """A server of Valkey. ``process`` is the running one; ``start`` makes it anew on the same data."""

    host: Host
    port: int
    folder: Path
    options: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def node(self) -> tuple[str, int]:
        """Where it listens."""
        return self.host.address, self.port

    def client(self) -> Any:
        """A client of redis-py, many of whose methods have no types, that gives up soon."""
        return redis.Redis(host=self.host.address, port=self.port, socket_timeout=1.0, socket_connect_timeout=1.0)

    def start(self) -> None:
        """Start it, and wait until it answers; call from the main thread."""
        self.folder.mkdir(parents=True, exist_ok=True)
        argv: list[str] = [str(valkey_program())]
        for name, value in {"bind": self.host.address, "port": str(self.port), **_COMMON, **self.options}.items():
            argv += [f"--{name}", value]
        self._spawn([*argv, "--dir", str(self.folder)])

    def _spawn(self, argv: Sequence[str]) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = spawn(
                self.host.argv(*argv), env=BARE_ENVIRONMENT, cwd=self.folder, output=log, parting=signal.SIGKILL
            )
        until(lambda: bool(self.client().ping()), f"Valkey on {self.host.address}:{self.port}")

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def role(self) -> str:
        """``master`` or ``slave``, as the server itself has it."""
        told: Any = self.client().execute_command("ROLE")
        return str(told[0].decode())


class Sentinel(Server):
    """A sentinel: its settings stand in a file, which it writes itself."""

    def start(self) -> None:
        """Start it with the settings that it has by now; at first those given."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "sentinel.conf"
        if not file.exists():
            lines = [f"bind {self.host.address}", f"port {self.port}", f"dir {self.folder}", "protected-mode no"]
            lines += [f"{name} {value}" for name, value in self.options.items()]
            file.write_text("\n".join(lines) + "\n")
        self._spawn([str(valkey_program()), str(file), "--sentinel"])


def cluster(places: Sequence[tuple[Host, int, int]], folder: Path) -> list[Server]:
    """A cluster of the nodes at (host, port, port of the cluster's bus): the first half, rounded up, are primaries and share
    the slots, the others replicas of one each. Returns the nodes in this order, once all agree."""
    nodes = [
        Server(
            host,
            port,
            folder / f"cluster-{port}-{place}",
            {
                "cluster-enabled": "yes",
                "cluster-port": str(bus),
                "cluster-node-timeout": str(NODE_TIMEOUT_MS),
                "cluster-config-file": "nodes.conf",
            },
        )
        for place, (host, port, bus) in enumerate(places)
    ]
    for node in nodes:
        node.start()
    primaries = nodes[: min(3, len(nodes))]
    for number, node in enumerate(primaries):
        first, last = (_SLOTS * number // len(primaries), _SLOTS * (number + 1) // len(primaries) - 1)
        node.client().execute_command("CLUSTER ADDSLOTSRANGE", first, last)
    for number, (node, (host, port, bus)) in enumerate(zip(nodes, places, strict=True)):
        # Without this two nodes take each other's first epoch for a quarrel.
        node.client().execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        nodes[0].client().execute_command("CLUSTER MEET", host.address, port, bus)
    until(lambda: all(_knows(node, len(nodes)) for node in nodes), "the nodes to know each other")
    for number, node in enumerate(nodes[len(primaries) :]):
        node_id: Any = primaries[number % len(primaries)].client().execute_command("CLUSTER MYID")
        node.client().execute_command("CLUSTER REPLICATE", node_id)
    until(lambda: all(_stands(node, len(nodes) - len(primaries)) for node in nodes), "the cluster to stand")
    return nodes


def queue(
    primary: tuple[Host, int], replica: tuple[Host, int], sentinels: Sequence[tuple[Host, int]], folder: Path
) -> tuple[Server, Server, list[Sentinel]]:
    """A primary, its replica and sentinels that watch over them, once all agree."""
    first = Server(*primary, folder / "queue-0", {})
    # A replica that is cut off serves nobody old answers.
    second = Server(*replica, folder / "queue-1", {"replicaof": f"{first.host.address} {first.port}"})
    first.start()
    second.start()
    until(lambda: _replicas_of(first) == 1, "the replica to have caught up")
    quorum = len(sentinels) // 2 + 1
    options = {
        f"sentinel monitor {QUEUE}": f"{first.host.address} {first.port} {quorum}",
        f"sentinel down-after-milliseconds {QUEUE}": str(NODE_TIMEOUT_MS),
        f"sentinel failover-timeout {QUEUE}": "3000",
    }
    watching = [
        Sentinel(host, port, folder / f"sentinel-{place}", options) for place, (host, port) in enumerate(sentinels)
    ]
    for each in watching:
        each.start()
    until(lambda: all(_sees(each, len(watching)) for each in watching), "the sentinels to know each other")
    return first, second, watching


def until(holds: Callable[[], bool], what: str, patience: float = _PATIENCE) -> None:
    """Wait until something holds; raises ``TimeoutError`` that says what was waited for."""
    end = time.monotonic() + patience
    while True:
        with contextlib.suppress(redis.RedisError, OSError):
            if holds():
                return
        if time.monotonic() > end:
            raise TimeoutError(f"waited {patience:.0f} s for {what}")
        time.sleep(0.02)


def _knows(node: Server, many: int) -> bool:
    told: Any = node.client().execute_command("CLUSTER NODES")
    lines = _lines(told)
    return len(lines) == many and not any("handshake" in line for line in lines)


def _stands(node: Server, replicas: int) -> bool:
    lines = _lines(node.client().execute_command("CLUSTER NODES"))
    told: Any = node.client().execute_command("CLUSTER INFO")
    state = told.get("cluster_state") if isinstance(told, dict) else told
    are_replicas = sum("slave" in line for line in lines) == replicas
    caught_up = node.role() == "master" or _is_in_step(node)
    return "ok" in str(state) and are_replicas and caught_up


def _is_in_step(replica: Server) -> bool:
    told: Any = replica.client().info("replication")
    return bool(told["master_link_status"] == "up")


def _lines(told: Any) -> list[str]:
    """The answer to CLUSTER NODES, however the client reads it."""
    if isinstance(told, dict):
        return [f"{name} {about['flags']}" for name, about in told.items()]
    text = told.decode() if isinstance(told, bytes) else str(told)
    return [line for line in text.splitlines() if line.strip()]


def _replicas_of(primary: Server) -> int:
    told: Any = primary.client().info("replication")
    return sum(1 for name, about in told.items() if name.startswith("slave") and about["state"] == "online")


def _sees(sentinel: Sentinel, many: int) -> bool:
    client = sentinel.client()
    about: Any = client.execute_command("SENTINEL MASTER", QUEUE)
    pairs = about if isinstance(about, dict) else dict(zip(about[::2], about[1::2], strict=True))
    found = {_text(name): _text(value) for name, value in pairs.items()}
    return found["num-other-sentinels"] == str(many - 1) and found["num-slaves"] == "1"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
