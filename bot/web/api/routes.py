"""The API's routes: each says its right and the models of what comes in and goes out, and everything else follows.

    @api.get("/campaigns/<int:number>", needs=May.SEE_CAMPAIGNS, tells=CampaignTold)
    def one_campaign(call: Call, number: int) -> CampaignTold: ...

Before a view runs (``bot.web.api.front``), the bearer of the token has been found, has not asked too often and has the
right, and path, query and body are as the models say; query and body are handed in by name. ``once``: the request sends or
books, and carries an ``Idempotency-Key``. From the same declarations the OpenAPI document is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import redis
from pydantic import BaseModel

from bot.messaging.outbox import Lane
from bot.messaging.wake import enqueue_once
from bot.officers.areas import Area
from bot.officers.permissions import May
from bot.officers.tokens import Bearer
from bot.queues import enqueue_about, enqueue_drain
from bot.registration.officer import Officer, Reach
from bot.services import Services

View = Callable[..., BaseModel]


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has been let in: by whom, what they may see, and when."""

    services: Services
    bearer: Bearer
    area: Area
    now: datetime

    @property
    def actor(self) -> str:
        """Whoever acts, as the audit log names them."""
        return self.bearer.actor

    @property
    def officer(self) -> Officer:
        """Whoever acts, with what lies within their reach."""
        here = self.area
        return Officer(self.actor, Reach(here.of_workers(), here.of_facilities(), here.parameters))

    def ask_for(self, job: str, number: int) -> None:
        """Have a worker make what this waits for, unless that is under way; if Redis is away, the clock's sweep does."""
        self._enqueue(f"{job}:{number}", partial(enqueue_about, self.services.queue, job, number))

    def wake(self, lane: Lane) -> None:
        """Have a lane's workers look at once."""
        self._enqueue(lane, partial(enqueue_drain, self.services.queue, lane))

    def _enqueue(self, name: str, enqueue: Callable[[], None]) -> None:
        try:
            enqueue_once(self.services.queue, name, enqueue)
        except redis.RedisError:
            return


@dataclass(frozen=True, slots=True)
class Route:
    """A declaration. ``rule``: as Flask has it, below ``/api/v1``; ``once``: with an ``Idempotency-Key``."""

    method: str
    rule: str
    needs: May
    tells: type[BaseModel]
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    once: bool
    view: View

    @property
    def name(self) -> str:
        """What the route is called, in code and in the document."""
        return self.view.__name__

    @property
    def summary(self) -> str:
        """What it does: the view's docstring."""
        return " ".join((self.view.__doc__ or "").split())


class Api:
    """Where the routes are declared. ``routes``: by rule and method."""

    def __init__(self) -> None:
        self.routes: dict[str, dict[str, Route]] = {}

    def get(
        self, rule: str, *, needs: May, tells: type[BaseModel], query: type[BaseModel] | None = None
    ) -> Callable[[View], View]:
        """Something to read."""
        return self._add("GET", rule, needs=needs, tells=tells, query=query, body=None, once=False)

    def post(
        self, rule: str, *, needs: May, tells: type[BaseModel], body: type[BaseModel] | None = None, once: bool = True
    ) -> Callable[[View], View]:
        """An act, or a question that must not stand in an address (``once=False``)."""
        return self._add("POST", rule, needs=needs, tells=tells, query=None, body=body, once=once)

    def delete(
        self, rule: str, *, needs: May, tells: type[BaseModel], query: type[BaseModel] | None = None
    ) -> Callable[[View], View]:
        """An act that ends something."""
        return self._add("DELETE", rule, needs=needs, tells=tells, query=query, body=None, once=True)

    def every(self) -> list[Route]:
        """All routes, in the order of their declaration."""
        return [route for methods in self.routes.values() for route in methods.values()]

    def _add(self, method: str, rule: str, **more: Any) -> Callable[[View], View]:
        def add(view: View) -> View:
            self.routes.setdefault(rule, {})[method] = Route(method, rule, view=view, **more)
            return view

        return add
