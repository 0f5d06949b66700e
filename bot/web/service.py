"""The Flask application, with a shorter way to the webhooks: they come by the thousand, and always by the same few paths.

Where a path leads is remembered for them, and no URL is ever built while one is answered. They have no session, nothing is
called before their view, and after it only what writes lines when debugging. A view that is given its request does without
Flask's contexts, too, unless it fails or refuses. Everything else goes Flask's own way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Flask, Request, Response, request
from flask.ctx import RequestContext
from flask.globals import request_ctx
from flask.sessions import NullSession
from flask.signals import appcontext_tearing_down, request_tearing_down
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, Rule

from bot.web.plain_answer import PlainAnswer
from bot.web.slow_bodies import be_patient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

WEBHOOKS = "/webhooks/"

#: What a webhook has instead of a session: one for all, since nothing can be put into it.
_NO_SESSION = NullSession()

#: Paths that are remembered. There are a dozen; strangers may try any number.
_MOST = 100


class StraightView:
    """A view for which ``answer`` is called, with its request and the parts of its path: it must not look for Flask's
    ``request``, ``g`` and ``current_app``, which may not be there, and nothing is torn down after it."""

    def __init__(self, answer: Callable[..., Response | PlainAnswer]) -> None:
        self.answer = answer

    def __call__(self, **parts: str) -> Response | PlainAnswer:
        """As Flask calls it."""
        return self.answer(request._get_current_object(), **parts)  # type: ignore[attr-defined]


class Service(Flask):
    """The service's application.

    ``hurries``: what a webhook's view gives goes straight to the server; nothing is called before the view or after it.
    """

    def __init__(self, *arguments: Any, hurries: bool = False, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._hurries = hurries
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
            return _WebhookContext(self, environ, session=_NO_SESSION)
        be_patient(environ)
        return super().request_context(environ)

    def full_dispatch_request(self) -> Response:
        """For a webhook in a hurry, its view and nothing else, as long as it fails in nothing."""
        found: Request = request_ctx.request
        if not self._hurries or found.method != "POST" or found.url_rule is None or not is_webhook(found.environ):
            return super().full_dispatch_request()
        try:
            answer: Any = self.view_functions[found.url_rule.endpoint](**(found.view_args or {}))
        except Exception as error:  # noqa: BLE001 - as in Flask's own way: whatever it is, it has a handler
            answer = self.handle_user_exception(error)
        # Any WSGI application can answer.
        return cast("Response", answer) if isinstance(answer, PlainAnswer) else self.finalize_request(answer)

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """For a webhook in a hurry whose path is known, its straight view, and Flask only where that gives no plain answer."""
        call = environ
        if self._hurries and call["REQUEST_METHOD"] == "POST":
            found = self.known.get(call["PATH_INFO"])
            if found is not None:
                view = self.view_functions[found[0].endpoint]
                if isinstance(view, StraightView):
                    return self._straight(view, call, *found)(call, start_response)
        return super().wsgi_app(call, start_response)

    def _straight(
        self, view: StraightView, environ: WSGIEnvironment, rule: Rule, parts: dict[str, Any]
    ) -> WSGIApplication:
        # Not known to its environment: the two would hold each other.
        called = self.request_class(environ, populate_request=False)
        called.url_rule = rule
        called.max_content_length = self.config["MAX_CONTENT_LENGTH"]
        try:
            answer = view.answer(called, **parts)
        except Exception as error:  # noqa: BLE001 - whatever it is, it has a handler
            with _WebhookContext(self, environ, request=called, session=_NO_SESSION):
                try:
                    return self.finalize_request(self.handle_user_exception(error))
                except Exception as unhandled:  # noqa: BLE001 - as in Flask's own way
                    return self.handle_exception(unhandled)
        if isinstance(answer, PlainAnswer):
            return answer
        with _WebhookContext(self, environ, request=called, session=_NO_SESSION):
            return self.finalize_request(answer)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: there are no others, and finding that out costs more than calling it."""
        return func

    def do_teardown_request(self, *arguments: Any) -> None:
        """Nothing, as long as nobody has asked for anything."""
        if self.teardown_request_funcs or request_tearing_down.receivers:
            super().do_teardown_request(*arguments)

    def do_teardown_appcontext(self, *arguments: Any) -> None:
        """Nothing, as long as nobody has asked for anything."""
        if self.teardown_appcontext_funcs or appcontext_tearing_down.receivers:
            super().do_teardown_appcontext(*arguments)


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
