"""The command room put together: its sections, who may enter, and what every answer carries."""

from __future__ import annotations

from typing import Final

import redis
from flask import Blueprint, Response, g, render_template, request
from werkzeug.exceptions import HTTPException

from bot.away import Away
from bot.services import Services
from bot.web.admin import (
    account,
    campaign_acts,
    campaigns,
    composer,
    desk,
    enquiries,
    entrance,
    evaluations,
    follow_up,
    formats,
    home,
    people,
    person_acts,
    person_booking,
    person_data,
    progress,
    sessions,
    system,
    system_audit,
    tokens,
    uploads,
    user_post,
    users,
    words,
)
from bot.web.admin.access import NAME, Room
from bot.web.admin.menu import menu_of
from bot.web.failures import note_failure
from bot.web.request_id import HEADER, request_id

#: The sections: each module has ``register(room)``.
SECTIONS: Final = (
    entrance,
    account,
    tokens,
    home,
    progress,
    evaluations,
    users,
    user_post,
    system,
    system_audit,
    people,
    person_acts,
    person_booking,
    person_data,
    campaigns,
    composer,
    campaign_acts,
    desk,
    uploads,
    sessions,
    follow_up,
    enquiries,
)

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def blueprint_of(services: Services) -> Blueprint:
    """``/admin/`` and all below it."""
    blueprint = Blueprint(NAME, __name__, url_prefix="/admin", static_folder="static", template_folder="templates")
    room = Room(blueprint, services)
    blueprint.before_request(room.enter)
    for section in SECTIONS:
        section.register(room)

    @blueprint.context_processor
    def common() -> dict[str, object]:
        return {
            "_": words.say,
            "admin": g.get("admin"),
            "csrf_token": room.csrf_token,
            "language": words.language(),
            "languages": words.LANGUAGES,
            "may": room.may,
            "menu": menu_of(room),
            "now": services.clock.now(),
            "zone": services.settings.time_zone,
            **formats.FILTERS,
        }

    @blueprint.errorhandler(Away)
    @blueprint.errorhandler(redis.RedisError)
    def away(_error: Exception) -> tuple[str, int]:
        return render_template("admin/away.html"), 503

    @blueprint.errorhandler(400)
    @blueprint.errorhandler(403)
    @blueprint.errorhandler(404)
    @blueprint.errorhandler(409)
    @blueprint.errorhandler(413)
    @blueprint.errorhandler(429)
    def refused(error: Exception) -> tuple[str, int]:
        status = getattr(error, "code", 400)
        return render_template("admin/refused.html", status=status, reason=getattr(error, "description", "")), status

    @blueprint.errorhandler(Exception)
    def broken(error: Exception) -> tuple[str, int]:
        if isinstance(error, HTTPException):
            return refused(error)
        note_failure(error)
        return render_template("admin/refused.html", status=500, reason="", reference=request_id()), 500

    @blueprint.after_request
    def guard(response: Response) -> Response:
        response.headers.update(_HEADERS)
        response.headers[HEADER] = request_id()
        if request.endpoint == f"{NAME}.static" and response.status_code in {200, 206, 304}:
            response.headers["Cache-Control"] = "public, max-age=3600"
        else:
            response.headers["Cache-Control"] = "no-store"
        return response

    return blueprint
