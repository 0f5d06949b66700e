"""Hosts: network namespaces of this machine, each with an address of its own on one bridge. Needs root and iproute2.

Processes on a host are ended by the kernel when we die, and a broom of its own process removes what is left then, so that
also kill -9 leaves no namespace behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.embedded.locks import FileLock

_PROJECT: Final = Path(__file__).resolve().parents[1]
#: How everything that we make is called, and the network that its addresses are of.
PREFIX: Final = "balas-"
_BRIDGE: Final = "balas-bridge"
_NETWORK: Final = "10.119.0."
#: Where the operator, the gateway and whoever measures are.
OUTSIDE: Final = f"{_NETWORK}1"
_FIRST: Final = 11
#: Held by whoever has hosts on this machine: their names and addresses are the same for all.
LOCK: Final = Path("/run/balas-hosts.lock")
#: Seconds that processes of a host have to end before the next signal.
_ENDS_WITHIN: Final = 5.0


class NoHosts(RuntimeError):
    """Namespaces cannot be made here; the text says why."""


@dataclass(frozen=True, slots=True)
class Host:
    """A machine. ``name`` "": this one, without a namespace."""

    name: str
    address: str

    def argv(self, *command: str | Path) -> list[str]:
        """The command line that runs a command there, as the process itself and not as its child."""
        words = [str(word) for word in command]
        return ["ip", "netns", "exec", f"{PREFIX}{self.name}", *words] if self.name else words


HERE: Final = Host("", "127.0.0.1")


@contextlib.contextmanager
def network(names: Sequence[str]) -> Iterator[dict[str, Host]]:
    """Hosts of these names, which reach each other and are reached from here; removed at the end. Raises ``NoHosts``."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        raise NoHosts("hosts are network namespaces: this needs root, and Debian's iproute2")
    lock = FileLock(LOCK)
    if not lock.take():
        raise NoHosts("another run has its hosts on this machine")
    sweep()
    broom = subprocess.Popen(
        [sys.executable, "-m", "scale.broom"], stdin=subprocess.PIPE, cwd=_PROJECT, start_new_session=True
    )
    try:
        _ip("link", "add", _BRIDGE, "type", "bridge")
        _ip("address", "add", f"{OUTSIDE}/24", "dev", _BRIDGE)
        _ip("link", "set", _BRIDGE, "up")
        yield {name: _host(name, number) for number, name in enumerate(names)}
    finally:
        sweep()
        assert broom.stdin is not None
        lock.release()
        broom.stdin.close()
        broom.wait()


def _host(name: str, number: int) -> Host:
    host, namespace = Host(name, f"{_NETWORK}{_FIRST + number}"), f"{PREFIX}{name}"
    outer = f"balas-v{number}"
    _ip("netns", "add", namespace)
    _ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    _ip("link", "set", outer, "master", _BRIDGE, "up")
    _ip("-n", namespace, "address", "add", f"{host.address}/24", "dev", "eth0")
    _ip("-n", namespace, "link", "set", "eth0", "up")
    _ip("-n", namespace, "link", "set", "lo", "up")
    return host


def sweep() -> None:
    """End what runs on our hosts, and remove them with the bridge; harmless where there is nothing."""
    for namespace in _namespaces():
        for number in (signal.SIGTERM, signal.SIGKILL):
            _end(namespace, number)
        _try_ip("netns", "delete", namespace)
    _try_ip("link", "delete", _BRIDGE)


def _namespaces() -> list[str]:
    told = subprocess.run(["ip", "-json", "netns", "list"], capture_output=True, text=True, check=False).stdout
    found: list[dict[str, object]] = json.loads(told) if told.strip() else []
    return [str(each["name"]) for each in found if str(each["name"]).startswith(PREFIX)]


def _end(namespace: str, number: signal.Signals) -> None:
    until = time.monotonic() + _ENDS_WITHIN
    told: set[int] = set()
    while (pids := _pids(namespace)) and time.monotonic() < until:
        for pid in pids - told:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        told |= pids
        time.sleep(0.02)


def _pids(namespace: str) -> set[int]:
    told = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False).stdout
    return {int(pid) for pid in told.split()}


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoHosts(f"ip {' '.join(words)}: {done.stderr.strip()}")


def _try_ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, check=False)
