"""What is to be done with a claimed attempt of a campaign: the requests to make, in the recipients' waking hours."""

from __future__ import annotations

from datetime import datetime

from bot.campaigns.composing import Composer
from bot.campaigns.hours import next_opening
from bot.config import SendingWindow
from bot.daytime import zone
from bot.db.database import Database
from bot.messaging import leases
from bot.messaging.leases import Lease
from bot.messaging.pacing import most_at_once, most_in_hand
from bot.messaging.requests import Plan, plan_letters
from gateway_adapters.base import GatewayRegistry

#: Messages claimed at a time for a gateway that takes them one by one.
ONE_BY_ONE = 100


def attempt_size(most_recipients: int) -> int:
    """Messages of one attempt, for a gateway that takes ``most_recipients`` in a request."""
    return most_recipients if most_recipients > 1 else ONE_BY_ONE


class Planner:
    """Plans what leaves, for the sender."""

    def __init__(
        self, database: Database, gateways: GatewayRegistry, composer: Composer, window: SendingWindow
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._composer = composer
        self._window = window

    def __call__(self, lease: Lease, now: datetime) -> Plan:
        """The requests for a claimed attempt. What may not leave now is queued again, what may not at all suppressed."""
        if not lease.any_hour and lease.time_zone is not None:
            opening = next_opening(self._window, zone(lease.time_zone), now)
            if opening > now:
                leases.give_back(self._database, lease.id, opening)
                return Plan(given_back=True)
        gateway = self._gateways.by_name.get(lease.gateway)
        most = 1 if gateway is None else gateway.max_recipients_per_request
        size = most_in_hand(lease.rate, attempt_size(most))
        if lease.size > size:
            leases.split(self._database, lease.id, size, now)
        composed = self._composer.compose(self._database, lease, now)
        left_out = dict(composed.left_out)
        letters = composed.letters
        if lease.deadline_at is not None and now > lease.deadline_at:
            left_out["too late"] = left_out.get("too late", []) + [letter.id for letter in letters]
            letters = []
        leases.suppress(self._database, left_out, now)
        plan = Plan()
        plan_letters(plan, self._gateways, lease, letters, most=most_at_once(lease.rate, most))
        return plan
