"""The simulator's page and the little that it asks of us.

USSD and SMS do not pass here: the browser posts them to the simulator gateway's webhooks itself, so that what is shown
beside the phone is what an operator would send. For that the page is told ``WEBHOOK_SECRET``. Whoever reaches it can play
any phone, which is why it is served with ``SIMULATOR=1`` only, and never in production.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Final

import redis
from flask import Blueprint, Response, jsonify, render_template, request, url_for

from bot.away import Away
from bot.phone import NotAPhone, is_e164, operator_of, parse_phone
from bot.services import Services
from bot.web.simulator.letters import font
from bot.web.simulator.people import Cast, Roster, is_listed, roster_of, strange_number
from bot.web.simulator.wording import LANGUAGES, language_of, words_of
from gateway_adapters.base import SettingMissing
from gateway_adapters.simulator import BEFORE_ALL, inbox

#: The number that the simulated network gives our SMS; a real one is the gateway's to know.
SHORT_CODE: Final = "1199"

_HERE: Final = Path(__file__).parent
_POSITION: Final = re.compile(r"[0-9]{1,15}-[0-9]{1,15}", re.ASCII)
_MASK: Final = "\N{BULLET}" * 8
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def blueprint_of(services: Services) -> Blueprint:
    """``/simulator/`` and what belongs to it; raises ``SettingMissing`` where the gateway's webhooks are not served."""
    secret = services.settings.environ.get("WEBHOOK_SECRET", "")
    if not secret:
        raise SettingMissing("WEBHOOK_SECRET is not set: the phone simulator (SIMULATOR=1) calls the webhooks by it")
    blueprint = Blueprint(
        "simulator", __name__, url_prefix="/simulator", static_folder="static", template_folder="templates"
    )
    cast = Cast(services.database, services.vault, services.settings.age_limits)

    @blueprint.get("/")
    def page() -> str:
        language = language_of(request)
        return render_template(
            "simulator/page.html",
            config=_config(services, secret, language),
            language=language,
            languages=LANGUAGES,
            modules=_modules(),
            words=words_of(language),
        )

    @blueprint.get("/letters.ttf")
    def letters() -> Response:
        response = Response(font(), content_type="font/ttf")
        response.add_etag()
        response.make_conditional(request)
        return response

    @blueprint.get("/api/workers")
    def workers() -> Response:
        roster = roster_of(services.database)
        if roster is not Roster.SAMPLE:
            return jsonify(roster=roster, workers=[])
        query = request.args.get("q", "").strip()
        today = services.clock.now().astimezone(services.settings.time_zone).date()
        people = cast.found(query, today) if query else cast.first(today)
        return jsonify(
            roster=roster, workers=[{**asdict(who), "birth_date": who.birth_date.isoformat()} for who in people]
        )

    @blueprint.get("/api/phone")
    def phone() -> Response | tuple[Response, int]:
        try:
            number = parse_phone(request.args.get("number", ""))
        except NotAPhone as error:
            return _fault(400, "phone", error.reason)
        return jsonify(phone=number, operator=operator_of(number), listed=is_listed(services.database, number))

    @blueprint.get("/api/strange-phone")
    def strange_phone() -> Response:
        return jsonify(phone=strange_number(services.database), operator=None, listed=False)

    @blueprint.get("/api/inbox")
    def messages() -> Response | tuple[Response, int]:
        number, after = request.args.get("phone", ""), request.args.get("after", "") or BEFORE_ALL
        if not is_e164(number):
            return _fault(400, "phone", "is not in the form +628123456789")
        if not _POSITION.fullmatch(after):
            return _fault(400, "after", "is no position of an inbox")
        found = inbox(services.conversations, number, after)
        return jsonify(
            messages=[
                {
                    "position": sms.position,
                    "id": sms.provider_id,
                    "text": sms.text,
                    "at": sms.at.astimezone(UTC).isoformat(),
                }
                for sms in found
            ]
        )

    @blueprint.errorhandler(Away)
    @blueprint.errorhandler(redis.RedisError)
    def away(_error: Exception) -> tuple[Response, int]:
        return _fault(503, "away", "PostgreSQL or Redis does not answer")

    @blueprint.after_request
    def guard(response: Response) -> Response:
        response.headers.update(_HEADERS)
        if request.endpoint not in {"simulator.static", "simulator.letters"}:
            response.headers["Cache-Control"] = "no-store"
        return response

    return blueprint


def _fault(status: int, what: str, reason: str) -> tuple[Response, int]:
    return jsonify(error=what, reason=reason), status


def _config(services: Services, secret: str, language: str) -> Mapping[str, object]:
    """What the page's scripts need to know."""
    settings = services.settings
    webhooks = {kind: url_for(f"webhooks.simulator-{kind}", secret=secret) for kind in ("ussd", "sms", "receipt")}
    return {
        "language": language,
        "table": words_of(language),
        "ussdCode": settings.ussd_code,
        "shortCode": SHORT_CODE,
        "septets": settings.ussd_screen_septets,
        "sendsBy": settings.sms_gateway,
        "words": {known: url_for(".static", filename=f"words/{known}.json") for known in LANGUAGES},
        "api": {
            "workers": url_for(".workers"),
            "phone": url_for(".phone"),
            "strangePhone": url_for(".strange_phone"),
            "inbox": url_for(".messages"),
        },
        "webhooks": {kind: {"path": path, "masked": _masked(path)} for kind, path in webhooks.items()},
    }


def _masked(path: str) -> str:
    """A webhook's path without its secret, which is the last but one of its parts."""
    *front, _secret, last = path.split("/")
    return "/".join((*front, _MASK, last))


def _modules() -> list[str]:
    """The page's scripts, so that the browser fetches them all at once."""
    return sorted(path.name for path in (_HERE / "static" / "js").glob("*.js"))
