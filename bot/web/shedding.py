"""Who has waited too long in front of this process is answered at once, without Redis and PostgreSQL: a handset gets a screen
that says that we are busy, and any other call of a gateway a 503, so that it comes again.

What is turned away costs a small part of a hop. So a rush of several times what the machine can do is answered at the rate
that it can do, and those who are turned away know it within the deadline. Whoever has just dialled is turned away sooner than
those who are in the middle: else many would begin, and few come to their ticket.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from bot.deadline import within
from bot.metrics import SHED
from bot.services import Services
from bot.web.parting import parting
from bot.web.queue_marks import QueueMarks
from bot.web.service import is_webhook
from gateway_adapters.base import Answer, EventKind, Gateway

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Where the request's wait stands in its environment, in seconds.
WAITED = "balas.waited"
#: Parts of the deadline: what a webhook may have waited before it is turned away, and what it may take itself, so that with
#: both it is kept, and also by whoever waits behind one that takes all of its time.
_PATIENCE, _WORK = 1 / 3, 3 / 5
#: The part of that patience after which whoever has just dialled is turned away.
_DIAL = 1 / 2
#: Seconds of the deadline that are left for bringing the answer to the gateway, and for what marks do not see.
_BRINGING = 0.3

#: Seconds that a page may take in all, an upload's body included.
_PAGE = 3600.0
#: A body that is larger is none of a dial.
_LARGEST_DIAL = 1024

_Answer = tuple[str, list[tuple[str, str]], bytes]


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """The paths of an endpoint, what it brings, and how a call of it is turned away."""

    paths: re.Pattern[str]
    gateway: Gateway
    brings: EventKind
    answer: _Answer


def time_for(call: WSGIEnvironment, deadline: float) -> float:
    """Seconds that a webhook may take of its deadline, given what it has waited."""
    waited: float = call.get(WAITED, 0.0)
    return min(_WORK * deadline, deadline - waited - _BRINGING)


class Shedding:
    """The WSGI application around the service's own."""

    def __init__(self, app: WSGIApplication, services: Services, marks: QueueMarks) -> None:
        self._app = app
        self._marks = marks
        self._patience = _PATIENCE * services.settings.webhook_deadline
        self._patience_for_dials = _DIAL * self._patience
        self._endpoints = list(_endpoints_of(services))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        call = environ
        if is_webhook(call):
            call[WAITED] = waited = self._marks.waited()
            if waited > self._patience_for_dials and call["REQUEST_METHOD"] == "POST":
                answer = self._turn_away(call, waited)
                if answer is not None:
                    parting(start_response)(answer[0], answer[1])
                    return [answer[2]]
        elif self._marks.came_through(call["PATH_INFO"]):
            start_response("204 No Content", [])
            return []
        else:
            # Pages have all the time that they need, but not to wait in vain one after the other: hops are behind them.
            with within(_PAGE, hasty=True):
                return self._app(call, parting(start_response))
        return self._app(call, parting(start_response))

    def _turn_away(self, call: WSGIEnvironment, waited: float) -> _Answer | None:
        path: str = call["PATH_INFO"]
        for endpoint in self._endpoints:
            found = endpoint.paths.fullmatch(path)
            if found is not None:
                if waited <= self._patience and not _is_dial(call, endpoint, found["secret"]):
                    return None
                SHED.labels(endpoint.brings.value).inc()
                return endpoint.answer
        return None


def _is_dial(call: WSGIEnvironment, endpoint: _Endpoint, secret: str | None) -> bool:
    """Whether somebody has just dialled. Only of who may come in is the body read, which then can be read again."""
    length: str = call.get("CONTENT_LENGTH", "")
    if endpoint.brings is not EventKind.USSD or not length.isdecimal() or int(length) > _LARGEST_DIAL:
        return False
    if not endpoint.gateway.may_enter(secret, {}):
        return False
    body: bytes = call["wsgi.input"].read(int(length))
    call["wsgi.input"] = BytesIO(body)
    return endpoint.gateway.is_dial(body)


def _endpoints_of(services: Services) -> Iterable[_Endpoint]:
    busy = Answer(services.driver.busy().text, goes_on=False)
    later = b"Busy. Please try again.\n"
    for gateway in services.gateways.receiving():
        for endpoint in gateway.endpoints:
            route = re.escape(f"/webhooks/{gateway.name}{endpoint.route}")
            paths = route.replace("<secret>", "(?P<secret>[^/]+)") if "<secret>" in route else f"{route}(?P<secret>)"
            if endpoint.brings is EventKind.USSD:
                screen = gateway.render_ussd(busy)
                body = screen.body.encode()
                answer = ("200 OK", _headers(screen.content_type, body), body)
            else:
                headers = _headers("text/plain; charset=utf-8", later)
                answer = ("503 Service Unavailable", [*headers, ("Retry-After", "5")], later)
            yield _Endpoint(re.compile(paths), gateway, endpoint.brings, answer)


def _headers(content_type: str, body: bytes) -> list[tuple[str, str]]:
    return [("Content-Type", content_type), ("Content-Length", str(len(body)))]
