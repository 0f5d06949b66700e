"""Where a request comes from, and which addresses and how many calls of a gateway are let in.

Behind a proxy the caller's address stands in a header, which anybody else can write too: it is believed only where
``CLIENT_ADDRESS_HEADER`` names it and only from one of ``TRUSTED_PROXIES``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

from bot.config import CallersOf

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

#: What stands for an address that cannot be read: it is in no network.
NOWHERE: Final = "nowhere"
#: Callers whose address was looked at lately; gateways have a few.
_MOST_KNOWN: Final = 1024
#: Calls that a gateway may make at once, in seconds of its rate.
_AT_ONCE: Final = 1.0


def is_within(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of the networks."""
    read = _read(address)
    return read is not None and any(read in network for network in networks)


class Callers:
    """Tells who calls. ``header``: the one that a proxy writes the caller's address into, "" for none."""

    def __init__(self, header: str, proxies: tuple[Network, ...]) -> None:
        self._key = f"HTTP_{header.upper().replace('-', '_')}" if header else ""
        self._proxies = proxies
        self._is_proxy = lru_cache(maxsize=_MOST_KNOWN)(lambda address: is_within(address, proxies))

    def address(self, call: WSGIEnvironment) -> str:
        """The caller's address: the last one in the header that is no proxy of ours, else of who is connected."""
        connected = str(call.get("REMOTE_ADDR") or NOWHERE)
        if not self._key or not self._is_proxy(connected):
            return connected
        # Each proxy adds whom it heard; what stands further left was written by whoever asked.
        found = connected
        for part in reversed(str(call.get(self._key, "")).split(",")[-16:]):
            read = _read(part.strip())
            if read is None:
                break
            found = str(read)
            if not self._is_proxy(found):
                break
        return found


class Admission:
    """Whether a gateway's call may come in, by its settings."""

    def __init__(self, callers: Callers, limits: CallersOf) -> None:
        networks, rate = limits.networks or (), limits.calls_a_second
        self.is_limited = rate > 0
        self.is_listed = limits.networks is not None
        self._callers = callers
        self._lets_in = lru_cache(maxsize=_MOST_KNOWN)(lambda address: is_within(address, networks))
        self._each = 1 / rate if rate else 0.0
        self._due = 0.0

    def knows(self, call: WSGIEnvironment) -> bool:
        """Whether it comes from where the gateway's calls come from."""
        return not self.is_listed or self._lets_in(self._callers.address(call))

    def has_room(self, now: Callable[[], float] = time.monotonic) -> bool:
        """Whether this process takes one more call of the gateway now: evenly spaced, a second's worth at once."""
        if not self.is_limited:
            return True
        moment = now()
        if self._due > moment + _AT_ONCE:
            return False
        self._due = max(self._due, moment) + self._each
        return True


@lru_cache(maxsize=_MOST_KNOWN)
def _read(text: str) -> Address | None:
    """An address as proxies write it: with a port, in brackets, IPv4 within IPv6."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
