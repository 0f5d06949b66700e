"""The Flask application, with a shorter way to the webhooks: they come by the thousand, and always by the same few paths.

Where a path leads is remembered for them, and no URL is ever built while one is answered. Everything else goes Flask's
own way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, Request
from flask.ctx import RequestContext
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, Rule

from bot.web.slow_bodies import be_patient

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

WEBHOOKS = "/webhooks/"

#: Paths that are remembered. There are a dozen; strangers may try any number.
_MOST = 100


class Service(Flask):
    """The service's application."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.known: dict[str, tuple[Rule, dict[str, Any]]] = {}
        self._adapter = self.url_map.bind("webhooks.invalid")

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """For a webhook, one that all of them share."""
        return (
            self._adapter
            if request is not None and is_webhook(request.environ)
            else super().create_url_adapter(request)
        )

    def request_context(self, environ: WSGIEnvironment) -> RequestContext:
        """For a webhook, one that remembers where paths lead."""
        if is_webhook(environ):
            return _WebhookContext(self, environ)
        be_patient(environ)
        return super().request_context(environ)


class _WebhookContext(RequestContext):
    app: Service

    def match_request(self) -> None:
        call = self.request.environ
        path: str = call["PATH_INFO"]
        posted, known = self.request.method == "POST", self.app.known
        found = known.get(path) if posted else None
        if found is None:
            try:
                self.url_adapter = Flask.create_url_adapter(self.app, self.request)
            except HTTPException as error:  # as for any page, a host that can be none
                self.request.routing_exception = error
                return
            super().match_request()
            if self.request.url_rule is None or self.request.view_args is None or not posted:
                return
            if len(known) >= _MOST:
                known.clear()
            found = known[path] = (self.request.url_rule, self.request.view_args)
        self.request.url_rule, self.request.view_args = found[0], dict(found[1])


def is_webhook(call: WSGIEnvironment) -> bool:
    """Whether a request is for a gateway's webhook."""
    path: str = call["PATH_INFO"]
    return path.startswith(WEBHOOKS)
