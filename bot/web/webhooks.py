"""The gateways' webhooks: authenticate, parse, hand over, answer in time.

One way in for each kind of event, whatever the gateway. Nothing of a request is logged but the route's template.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import cast

import redis
import structlog
from flask import Blueprint, Request, Response
from prometheus_client import Counter

from bot.away import Away
from bot.config import callers_of
from bot.deadline import within
from bot.messaging import inbound, optouts, receipt_stream, receipts
from bot.messaging.letters import Letter
from bot.messaging.spool import SpoolAway
from bot.metrics import AWAY, FAILURES, HOP_SECONDS, HOPS, INBOUND, RECEIPTS_IN, REFUSED, SPOOLED
from bot.redis_clients import REDIS_TIMEOUT
from bot.services import Services
from bot.web.callers import Admission, Callers
from bot.web.plain_answer import PlainAnswer
from bot.web.posted_form import posted_form
from bot.web.service import StraightView
from bot.web.shedding import time_for
from bot.web.slow_bodies import be_patient
from gateway_adapters.base import (
    Answer,
    BadRequest,
    Endpoint,
    Event,
    EventKind,
    Gateway,
    InboundSms,
    OptOut,
    Receipt,
    UssdEnded,
    UssdHop,
    WebhookRequest,
    WebhookResponse,
)

_log = structlog.get_logger(__name__)

NAME = "webhooks"
_FORM = "application/x-www-form-urlencoded"


def blueprint_of(services: Services) -> Blueprint:
    """A route for every endpoint of every gateway whose settings are there."""
    blueprint = Blueprint(NAME, __name__, url_prefix="/webhooks")
    for gateway in services.gateways.receiving():
        for endpoint in gateway.endpoints:
            name = f"{gateway.name}-{endpoint.brings.value}"
            view = _view(services, gateway, endpoint)
            blueprint.add_url_rule(f"/{gateway.name}{endpoint.route}", name, view, methods=["POST"])
    return blueprint


def _view(services: Services, gateway: Gateway, endpoint: Endpoint) -> StraightView:
    take_in = _ways_in(services, gateway)[endpoint.brings]
    deadline = services.settings.webhook_deadline
    settings = services.settings
    public_url = settings.public_url
    callers = Callers(settings.client_address_header, settings.trusted_proxies)
    admission = Admission(callers, callers_of(settings.environ, gateway.name))
    is_ussd = endpoint.brings is EventKind.USSD

    def answer(called: Request, secret: str | None = None) -> Response | PlainAnswer:
        wsgi = called.environ
        if admission.is_listed and not admission.knows(wsgi):
            return _refuse(called, gateway, "address", 403, "You may not do this.")
        may_enter = gateway.may_enter(secret, cast("Mapping[str, str]", called.headers))
        if may_enter is False:
            return _refuse(called, gateway, "authentication", 403, "You may not do this.")
        if may_enter is None:
            be_patient(wsgi)
        if wsgi.get("CONTENT_TYPE") != _FORM and called.mimetype != _FORM:
            return _refuse(called, gateway, "type", 400, f"The body must be {_FORM}.")
        call = WebhookRequest(
            # Only signatures are about it.
            url=_called_url(called, public_url) if may_enter is None else "",
            form=posted_form(called),
            headers=cast("Mapping[str, str]", called.headers),
            secret=secret,
        )
        if may_enter is None and not gateway.authenticate(call):
            return _refuse(called, gateway, "authentication", 403, "You may not do this.")
        try:
            events = gateway.parse(call, endpoint.brings)
        except BadRequest as error:
            return _refuse(called, gateway, "fields", 400, str(error))
        if admission.is_limited and not admission.has_room():
            refused = _refuse(called, gateway, "rate", 503, "Too many calls. Please try again.")
            # A handset is told so in words that it can show.
            return _answer(gateway.render_ussd(Answer(services.driver.busy().text, False))) if is_ussd else refused
        with within(time_for(wsgi, deadline), hasty=True, reserve=REDIS_TIMEOUT):
            return take_in(events)

    return StraightView(answer)


def _called_url(called: Request, public_url: str) -> str:
    query = called.query_string.decode("latin-1")
    return f"{public_url}{called.path}{'?' + query if query else ''}"


def _refuse(called: Request, gateway: Gateway, reason: str, status: int, words: str) -> Response:
    REFUSED.labels(gateway.name, reason).inc()
    route = called.url_rule.rule if called.url_rule is not None else ""
    _log.warning("webhook_refused", gateway=gateway.name, reason=reason, route=route)
    return Response(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")


def _answer(response: WebhookResponse) -> PlainAnswer:
    return PlainAnswer(response.body, response.content_type)


def _ways_in(
    services: Services, gateway: Gateway
) -> Mapping[EventKind, Callable[[list[Event]], Response | PlainAnswer]]:
    hops = _counted(gateway.name)

    def ussd(events: list[Event]) -> PlainAnswer:
        started = time.perf_counter()
        hop = next(event for event in events if isinstance(event, UssdHop))
        try:
            screen = services.driver.ussd(hop.phone, hop.session_id, hop.text)
            outcome = "busy" if screen.busy else "goes_on" if screen.goes_on else "ended"
        except Exception:  # noqa: BLE001 - whatever happens, the handset gets a valid last screen
            FAILURES.labels("ussd").inc()
            _log.exception("ussd_failed", gateway=gateway.name)
            screen, outcome = services.driver.busy(), "failed"
        hops(outcome).inc()
        HOP_SECONDS.observe(time.perf_counter() - started)
        return _answer(gateway.render_ussd(Answer(screen.text, screen.goes_on)))

    def others(events: list[Event]) -> Response | PlainAnswer:
        response = WebhookResponse()
        try:
            for event in events:
                match event:
                    case InboundSms():
                        response = _take_sms(services, gateway, event)
                    case Receipt():
                        _take_receipt(services, gateway, event)
                    case OptOut():
                        _opt(services, gateway, event)
                    case UssdEnded():
                        HOPS.labels(gateway.name, "session_complete" if event.complete else "session_dropped").inc()
                    case UssdHop():
                        raise TypeError("a USSD hop comes by an endpoint of its own")
        except Away:
            AWAY.labels("webhook").inc()
            return Response("Not stored. Please try again.\n", status=503, content_type="text/plain; charset=utf-8")
        return _answer(response)

    def sms(events: list[Event]) -> Response | PlainAnswer:
        # An opt-out that the gateway has answered itself still wants a valid, empty answer of ours.
        if not any(isinstance(event, InboundSms) for event in events):
            kept = others(events)
            return kept if isinstance(kept, Response) else _answer(gateway.render_sms(None))
        return others(events)

    return {
        EventKind.USSD: ussd,
        EventKind.SMS: sms,
        EventKind.RECEIPT: others,
        EventKind.OPT_OUT: others,
        EventKind.USSD_ENDED: others,
    }


def _counted(gateway: str) -> Callable[[str], Counter]:
    """The counter of a gateway's hops by their outcome, each looked up once."""
    return cache(lambda outcome: HOPS.labels(gateway, outcome))


def _take_receipt(services: Services, gateway: Gateway, receipt: Receipt) -> None:
    """Keep a receipt in the stream, or, where Redis is away, apply it at once, or spool it; raises ``SpoolAway``."""
    now = services.clock.now()
    try:
        receipt_stream.put(services.receipts_way, gateway.name, [receipt], now, services.receipts_breaker)
        services.receipts_waker.wake()
    except redis.RedisError:
        try:
            receipts.apply(services.database, [receipts.Told(gateway.name, receipt, now)])
        except Away:
            AWAY.labels("receipt").inc()
            _spool(services, Letter(gateway.name, receipt, now))
    RECEIPTS_IN.labels(gateway.name).inc()


def _opt(services: Services, gateway: Gateway, event: OptOut) -> None:
    """Register an opt-out or the opposite, or spool it; raises ``SpoolAway``."""
    now = services.clock.now()
    if not services.spool.holds(event.phone):
        try:
            if event.stopped:
                optouts.opt_out(services.database, event.phone, gateway.name, now)
            else:
                optouts.opt_in(services.database, event.phone)
            return
        except Away:
            AWAY.labels("opt_out").inc()
    _spool(services, Letter(gateway.name, event, now))


def _spool(services: Services, letter: Letter) -> None:
    """Have what PostgreSQL cannot take on disk, until it can; raises ``SpoolAway``, and the gateway has to try again."""
    try:
        is_new = services.letterbox.put(letter)
    except SpoolAway as error:
        SPOOLED.labels("refused").inc()
        _log.error("spool_refused", kind=letter.kind, reason=error.reason)
        raise
    SPOOLED.labels("kept" if is_new else "repeated").inc()


def _take_sms(services: Services, gateway: Gateway, sms: InboundSms) -> WebhookResponse:
    """Store an inbound SMS, then answer it now if that is possible; raises ``Away`` only where it is nowhere stored.

    Where PostgreSQL is away it is spooled, and so is what comes behind it from the same phone; the reply then leaves later.

    The same message delivered again gets the reply that it got before, if that travels in the HTTP answer; while the
    first delivery is still being handled, it gets none.
    """
    now = services.clock.now()
    inline = gateway.answers_inline
    kept = _keep_or_spool(services, gateway, sms, now)
    if kept is None:
        INBOUND.labels(gateway.name, "spooled").inc()
        return gateway.render_sms(None)
    if not kept.fresh:
        INBOUND.labels(gateway.name, "repeated").inc()
        return gateway.render_sms(kept.reply if inline else None, kept.reply_id)
    try:
        reply, reply_id = inbound.handle(services.database, kept.waiting, services.driver.sms, now, inline=inline)
        INBOUND.labels(gateway.name, "handled").inc()
        if reply is not None and not inline:
            services.waker.wake(at_once=True)
        return gateway.render_sms(reply if inline else None, reply_id)
    except Away:
        AWAY.labels("inbound").inc()
        INBOUND.labels(gateway.name, "later").inc()
        _let_go(services, kept.waiting.id)
    except Exception:  # noqa: BLE001 - it is stored, and the sweep tries it again
        FAILURES.labels("inbound").inc()
        _log.exception("inbound_failed", gateway=gateway.name, inbound=kept.waiting.id)
    return gateway.render_sms(None)


def _keep_or_spool(services: Services, gateway: Gateway, sms: InboundSms, now: datetime) -> inbound.Kept | None:
    """None where it is on disk; raises ``SpoolAway``."""
    if not services.spool.holds(sms.phone):
        try:
            return inbound.keep(services.database, services.vault, gateway.name, sms, now)
        except Away:
            AWAY.labels("inbound").inc()
    _spool(services, Letter(gateway.name, sms, now))
    return None


def _let_go(services: Services, inbound_id: int) -> None:
    try:
        inbound.let_go(services.database, inbound_id)
    except Away:
        # Its lease runs out by itself, and the sweep finds it then.
        AWAY.labels("inbound").inc()
