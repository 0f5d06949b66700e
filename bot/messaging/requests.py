"""What is handed over in one call to a gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from bot.messaging.leases import Lease
from gateway_adapters.base import Gateway, GatewayRegistry, Outgoing


@dataclass(slots=True)
class Request:
    """Letters of one attempt that share their body. ``paced``: it has its slot."""

    lease: Lease
    gateway: Gateway
    letters: Sequence[Outgoing]
    paced: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with what was claimed. ``refused``: no gateway of this process takes it, and why.

    ``given_back``: it has been queued again, for another time.
    """

    requests: list[Request] = field(default_factory=list)
    refused: list[tuple[Lease, Sequence[Outgoing], str]] = field(default_factory=list)
    given_back: bool = False


#: Makes the plan of a campaign's attempt: what it says, to whom, and to whom not any more.
Composer = Callable[[Lease, datetime], Plan]


def plan_replies(gateways: GatewayRegistry, claimed: Iterable[tuple[Lease, Outgoing | None]]) -> Plan:
    """A request for each reply."""
    plan = Plan()
    for lease, letter in claimed:
        if letter is not None:
            plan_letters(plan, gateways, lease, [letter], most=1)
    return plan


def plan_letters(
    plan: Plan, gateways: GatewayRegistry, lease: Lease, letters: Sequence[Outgoing], *, most: int
) -> None:
    """Add the requests that hand over an attempt's letters: those with one body together, at most ``most`` at a time."""
    gateway = gateways.by_name.get(lease.gateway)
    if gateway is None:
        plan.refused.append((lease, letters, f"there is no gateway {lease.gateway} in this process"))
        return
    size = min(most, gateway.max_recipients_per_request)
    for _body, alike in groupby(sorted(letters, key=lambda letter: letter.body), key=lambda letter: letter.body):
        group = list(alike)
        plan.requests.extend(
            Request(lease, gateway, group[start : start + size]) for start in range(0, len(group), size)
        )
