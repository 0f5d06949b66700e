"""The application factory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import structlog
from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException, InternalServerError

from bot import config, log
from bot.services import Services
from bot.web import admin, api, health, webhooks
from bot.web.failures import note_failure, route_template
from bot.web.queue_marks import QueueMarks
from bot.web.request_id import HEADER, request_id
from bot.web.service import Service, is_webhook
from bot.web.shedding import Shedding

_log = structlog.get_logger(__name__)

#: Largest body of a request that is not an upload, in bytes.
LARGEST_BODY = 64 * 1024


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """The service as a WSGI application, from ``environ`` (default: the process's own).

    Raises ``bot.config.SettingError`` or ``gateway_adapters.base.SettingMissing`` with a text that names the variable.
    """
    settings = config.load(os.environ if environ is None else environ)
    log.configure(settings.log_level, service="web")
    services = Services(settings)
    services.check_sending()
    app = Service("balas", static_folder=None, hurries=settings.log_level != "DEBUG")
    app.config.update(SECRET_KEY=settings.secret_key, MAX_CONTENT_LENGTH=LARGEST_BODY, MAX_FORM_PARTS=200)
    app.session_interface = _PageSessions()
    app.extensions["services"] = services
    app.register_blueprint(health.blueprint_of(services))
    if settings.web_serves != "gateways":
        app.register_blueprint(admin.blueprint_of(services))
        app.register_blueprint(api.blueprint_of(services))
    if settings.web_serves != "office":
        app.register_blueprint(webhooks.blueprint_of(services))
    if settings.simulator and settings.web_serves != "office":
        from bot.web import simulator

        app.register_blueprint(simulator.blueprint_of(services))
    app.extensions["marks"] = marks = QueueMarks(settings.host, settings.port)
    app.wsgi_app = Shedding(app.wsgi_app, services, marks)  # type: ignore[method-assign]
    app.register_error_handler(Exception, _failed)
    app.after_request(_finish(debug=settings.log_level == "DEBUG", is_tls=settings.public_url.startswith("https://")))
    return app


def _finish(*, debug: bool, is_tls: bool) -> Callable[[Response], Response]:
    """What every answer to a browser or a program carries, and one line for it, whose id the answer tells.

    Gateways are neither, and come by the thousand; of them and of the simulator's polling there is a line only when debugging.
    """
    quiet = {webhooks.NAME, "simulator"} if not debug else set()

    def finish(response: Response) -> Response:
        if request.blueprint != webhooks.NAME:
            _guard(response, is_tls=is_tls)
        if request.blueprint not in quiet:
            route, status = route_template(), response.status_code
            response.headers[HEADER] = known = request_id()
            _log.info("request", method=request.method, route=route, status=status, request_id=known)
        return response

    return finish


def _guard(response: Response, *, is_tls: bool) -> None:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    if "ETag" not in response.headers:
        response.headers.setdefault("Cache-Control", "no-store")
    # Nobody is led to a host that the request named.
    target = response.headers.get("Location", "")
    if target.startswith(request.host_url):
        response.headers["Location"] = target[len(request.host_url) - 1 :]
    if is_tls:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"


class _PageSessions(SecureCookieSessionInterface):
    """Cookies' sessions for pages. Gateways have none, and looking for one costs a hop more than its answer does."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return None if is_webhook(request.environ) else super().open_session(app, request)


def _failed(error: Exception) -> Response:
    """Plain words for whatever went wrong; our own mistakes are logged, without what they were about."""
    if request.path.startswith(f"{api.PREFIX}/"):  # what not even a path was found for
        return api.failed(error)
    if not isinstance(error, HTTPException):
        note_failure(error)
        error = InternalServerError()
    status = error.code or 500
    words = _WORDS.get(status, error.name)
    response = Response(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")
    response.headers[HEADER] = request_id()
    allowed = error.get_headers()
    response.headers.extend({name: value for name, value in allowed if name in {"Allow", "Retry-After"}})
    return response


_WORDS = {
    400: "The request could not be understood.",
    403: "You may not do this.",
    404: "There is nothing here.",
    405: "This address does not take that kind of request.",
    413: "The request is too large.",
    500: "Something went wrong on our side. It has been written down.",
    503: "Not available at the moment. Please try again.",
}
