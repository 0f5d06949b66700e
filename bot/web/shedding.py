"""Who has waited too long in front of this process is answered at once, without Redis and PostgreSQL: a handset gets a screen
that says that we are busy, and any other call of a gateway a 503, so that it comes again.

What is turned away costs a sixth of a hop. So a rush of several times what the machine can do is answered at the rate that
it can do, and those who are turned away know it within the deadline.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bot.metrics import SHED
from bot.services import Services
from bot.web.queue_marks import QueueMarks
from bot.web.service import is_webhook
from gateway_adapters.base import Answer, EventKind

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Where the request's wait stands in its environment, in seconds.
WAITED = "balas.waited"
#: Parts of the deadline: what a webhook may have waited before it is turned away, and what it may take itself. With the wait
#: behind one that takes all of its time, the two are less than the whole.
_PATIENCE, _WORK = 1 / 3, 2 / 3
#: Seconds of the deadline that are left for making the answer and bringing it to the gateway.
_BRINGING = 0.1

_Answer = tuple[str, list[tuple[str, str]], bytes]


def time_for(environ: WSGIEnvironment, deadline: float) -> float:
    """Seconds that a webhook may take of its deadline, given what it has waited."""
    waited: float = environ.get(WAITED, 0.0)
    return min(_WORK * deadline, deadline - waited - _BRINGING)


class Shedding:
    """The WSGI application around the service's own."""

    def __init__(self, app: WSGIApplication, services: Services, marks: QueueMarks) -> None:
        self._app = app
        self._marks = marks
        self._patience = _PATIENCE * services.settings.webhook_deadline
        self._refusals = list(_refusals(services))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if is_webhook(environ):
            environ[WAITED] = waited = self._marks.waited()
            if waited > self._patience:
                found = self._refusal(environ)
                if found is not None:
                    start_response(found[0], found[1])
                    return [found[2]]
        elif self._marks.came_through(environ["PATH_INFO"]):
            start_response("204 No Content", [])
            return []
        return self._app(environ, start_response)

    def _refusal(self, environ: WSGIEnvironment) -> _Answer | None:
        if environ["REQUEST_METHOD"] != "POST":
            return None
        path: str = environ["PATH_INFO"]
        for pattern, kind, answer in self._refusals:
            if pattern.fullmatch(path):
                SHED.labels(kind).inc()
                return answer
        return None


def _refusals(services: Services) -> Iterable[tuple[re.Pattern[str], str, _Answer]]:
    """For each endpoint: its paths, what it brings, and how that is turned away."""
    busy = Answer(services.driver.busy().text, goes_on=False)
    later = b"Busy. Please try again.\n"
    for gateway in services.gateways.receiving():
        for endpoint in gateway.endpoints:
            route = re.escape(f"/webhooks/{gateway.name}{endpoint.route}").replace("<secret>", "[^/]+")
            if endpoint.brings is EventKind.USSD:
                screen = gateway.render_ussd(busy)
                body = screen.body.encode()
                answer = ("200 OK", _headers(screen.content_type, body), body)
            else:
                headers = _headers("text/plain; charset=utf-8", later)
                answer = ("503 Service Unavailable", [*headers, ("Retry-After", "5")], later)
            yield re.compile(route), endpoint.brings.value, answer


def _headers(content_type: str, body: bytes) -> list[tuple[str, str]]:
    return [("Content-Type", content_type), ("Content-Length", str(len(body)))]
