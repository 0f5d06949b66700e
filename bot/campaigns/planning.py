"""What is to be done with a claimed attempt of a campaign: the requests to make, in the recipients' waking hours."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from bot.campaigns import campaigns, spending
from bot.campaigns.composing import Composer
from bot.campaigns.hours import next_opening
from bot.campaigns.materialise import attempt_size
from bot.campaigns.record import CampaignError
from bot.campaigns.spending import Cap
from bot.config import SendingWindow
from bot.daytime import zone
from bot.db.database import Database
from bot.messaging import leases
from bot.messaging.leases import Lease
from bot.messaging.pacing import most_at_once, most_in_hand
from bot.messaging.requests import Plan, Request, plan_letters
from bot.text import segments
from gateway_adapters.base import GatewayRegistry, Outgoing


@dataclass(frozen=True, slots=True)
class Budget:
    """``price``: of one SMS part, None for no caps. ``most_a_day``: over all campaigns, on a day of ``time_zone``."""

    price: Decimal | None
    most_a_day: Decimal | None
    time_zone: ZoneInfo


class Planner:
    """Plans what leaves, for the sender."""

    def __init__(
        self,
        database: Database,
        gateways: GatewayRegistry,
        composer: Composer,
        window: SendingWindow,
        budget: Budget,
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._composer = composer
        self._window = window
        self._budget = budget

    def __call__(self, lease: Lease, now: datetime) -> Plan:
        """The requests for a claimed attempt. What may not leave now is queued again, what may not at all suppressed."""
        if not lease.any_hour and lease.time_zone is not None:
            opening = next_opening(self._window, zone(lease.time_zone), now)
            if opening > now:
                leases.give_back(self._database, lease, opening)
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
        if plan.requests and (cap := self._reserve(plan, lease, now)) is not None:
            self._stop(lease, cap, now)
            return Plan(given_back=True)
        return plan

    def take_back(self, request: Request, letters: Sequence[Outgoing]) -> None:
        """These letters have not been sent, and count against no cap."""
        if request.charged_on is not None:
            parts = segments(letters[0].body).count * len(letters)
            spending.give_back(self._database, request.lease, parts, request.charged_on)

    def _reserve(self, plan: Plan, lease: Lease, now: datetime) -> Cap | None:
        """Count the parts of a plan against the caps."""
        budget = self._budget
        day = now.astimezone(budget.time_zone).date()
        bodies = Counter[str]()
        for request in plan.requests:
            # All letters of a request say the same.
            bodies[request.letters[0].body] += len(request.letters)
            request.charged_on = day
        parts = sum(segments(body).count * many for body, many in bodies.items())
        return spending.reserve(self._database, lease, parts, budget.price, budget.most_a_day, day)

    def _stop(self, lease: Lease, cap: Cap, now: datetime) -> None:
        """Pause the campaign first, so that nobody claims the attempt again as soon as it is given back."""
        name = self._database.value("SELECT name FROM campaign WHERE id = %s", (lease.campaign_id,))
        with contextlib.suppress(CampaignError):  # another worker or an admin was faster
            campaigns.pause(self._database, name, now=now, actor="system", because=cap)
        leases.give_back(self._database, lease, now)
