"""What is handed over in one call to a gateway."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from bot.messaging.leases import Lease
from gateway_adapters.base import Gateway, GatewayRegistry, Outgoing


@dataclass(slots=True)
class Request:
    """Letters of one attempt that share their body. ``paced``: it has its slot. ``charged_on``: the day on which it counts
    against the caps."""

    lease: Lease
    gateway: Gateway
    letters: Sequence[Outgoing]
    paced: bool = False
    charged_on: date | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with what was claimed. ``refused``: no gateway of this process takes it, and why.

    ``given_back``: it has been queued again, for another time.
    """

    requests: list[Request] = field(default_factory=list)
    refused: list[tuple[Lease, Sequence[Outgoing], str]] = field(default_factory=list)
    given_back: bool = False


class Composer(Protocol):
    """What knows campaigns."""

    def __call__(self, lease: Lease, now: datetime) -> Plan:
        """The plan of an attempt: what it says, to whom, and to whom not any more."""

    def take_back(self, request: Request, letters: Sequence[Outgoing]) -> None:
        """These letters of a request have not been sent, and cost nothing."""


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
    alike: dict[str, list[Outgoing]] = {}
    for letter in letters:
        alike.setdefault(letter.body, []).append(letter)
    for group in alike.values():
        plan.requests.extend(
            Request(lease, gateway, group[start : start + size]) for start in range(0, len(group), size)
        )
