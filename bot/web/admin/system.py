"""The system: what its gateways, lanes, workers and sweeps do, and the levers that operators pull."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import redis
from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot import invariants, pulse
from bot.campaigns import unknowns
from bot.campaigns.unknowns import Decision
from bot.campaigns.waiting import Waiting, waiting
from bot.evaluation import gateways
from bot.evaluation.gateways import Hour
from bot.messaging import balances, brakes, inbound, pacing, receipt_stream, spool_notes
from bot.messaging.balances import Told
from bot.messaging.outbox import Lane
from bot.messaging.spool_notes import Noted
from bot.messaging.wake import enqueue_once
from bot.officers.permissions import May
from bot.privacy import retention
from bot.pulse import Pulse
from bot.queues import Work, enqueue_drain
from bot.registration import closing
from bot.registration.guards import guessing
from bot.services import Services
from bot.web.admin.access import Room, actor
from bot.web.admin.formats import instant
from bot.web.admin.retention_words import KEPT_WORDS
from bot.web.admin.words import mark, say

_ = mark

LANES: Final = {
    Lane.REPLY: _("Replies and tickets"),
    Lane.REMINDER: _("Reminders"),
    Lane.BLAST: _("Blasts"),
}
#: What workers do, by the name of their queue.
_WORKS: Final = {
    "reply": _("Replies and tickets"),
    "reminder": _("Reminders"),
    "blast": _("Blasts"),
    "receipts": _("Receipts"),
    "sweep": _("Sweeps and figures"),
    "office": _("Lists and sessions"),
}
#: A sweep comes every 10 s; after so long something is wrong.
LATE: Final = timedelta(seconds=60)
#: Seconds after which what changes is looked at again.
_REFRESH: Final = 10
#: Dead letters on the page, at most.
_MOST_DEAD: Final = 50


@dataclass(frozen=True, slots=True)
class GatewayNow:
    """A gateway as it stands: settings that it lacks by name, its last hour, the seconds that it is left alone, and what
    is left on the account as it told last.
    """

    name: str
    is_chosen: bool
    lacks: Sequence[str]
    hour: Hour
    rests: float | None
    told: Told | None


def register(room: Room) -> None:
    """``/admin/system/``."""
    services = room.services
    database = services.database

    @room.get("/system/", needs=May.SEE_SYSTEM)
    def system() -> str:
        found, replies = waiting(database, services.clock.now()), unknowns.undecided(database, None)
        return render_template(
            "admin/system/system.html",
            **_live(services, found),
            unknown_replies=replies,
            unknown_of_campaigns=max(0, found.unknown - replies),
            closes_at=closing.closes_at(database),
            dead=inbound.dead(database, _MOST_DEAD),
            dead_count=inbound.count_dead(database),
            checked=invariants.kept(database),
            retention=retention.kept_for_page(database),
            kept_words=KEPT_WORDS,
        )

    @room.get("/system/live", needs=May.SEE_SYSTEM)
    def system_live() -> str:
        return render_template("admin/system/live.html", **_live(services, waiting(database, services.clock.now())))

    @room.post("/system/sending", needs=May.STOP_SENDING)
    def system_sending() -> Response:
        wanted, now = request.form.get("sending"), services.clock.now()
        if wanted == "stop":
            brakes.stop(database, now, actor())
            flash(say("Reminders and blasts are stopped. Replies and tickets still leave."), "warm")
        elif wanted == "resume":
            if brakes.go_on(database, now, actor()):
                _wake(services, Lane.REMINDER, Lane.BLAST)
            flash(say("Reminders and blasts leave again."), "good")
        else:
            abort(400)
        return _back()

    @room.post("/system/unknown-replies", needs=May.OPERATE_SYSTEM)
    def system_unknown_replies() -> Response:
        wanted = request.form.get("decision", "")
        if wanted not in set(Decision):
            abort(400)
        decision = Decision(wanted)
        count = unknowns.resolve_replies(database, decision, now=services.clock.now(), actor=actor())
        if decision is Decision.RESEND:
            _wake(services, Lane.REPLY)
            flash(say("{n} replies are sent again.", n=count), "good")
        else:
            flash(say("{n} replies are left as they are.", n=count), "good")
        return _back()

    @room.post("/system/dead-letters", needs=May.OPERATE_SYSTEM)
    def system_dead_letters() -> Response:
        which = request.form.get("which", "")
        if which != "all" and not (which.isdecimal() and len(which) < 19):
            abort(400)
        number = None if which == "all" else int(which)
        count = inbound.replay(database, number, services.clock.now(), actor=actor())
        flash(say("{n} SMS are tried again within seconds.", n=count), "good")
        return _back()

    @room.post("/system/check", needs=May.OPERATE_SYSTEM)
    def system_check() -> Response:
        pulse.ask_for_check(services.queue)
        flash(say("A worker checks now. Load this page again in a minute."), "good")
        return _back()

    @room.post("/system/closing", needs=May.OPERATE_SYSTEM)
    def system_closing() -> Response:
        text, zone = request.form.get("end", "").strip(), services.settings.time_zone
        end: datetime | None = None
        if request.form.get("open_end") != "yes":
            try:
                end = datetime.fromisoformat(text).replace(tzinfo=zone)
            except ValueError:
                abort(400, _("Give the day and the hour at which registration ends."))
        closing.close_at(database, end, now=services.clock.now(), actor=actor())
        if end is None:
            flash(say("Registration has no end now."), "good")
        else:
            flash(say("Registration ends on {when}.", when=instant(end, zone)), "good")
        return _back()


def _live(services: Services, found: Waiting) -> dict[str, object]:
    """What the part of the page shows that is fetched anew by itself."""
    now, counted = services.clock.now(), gateways.kept(services.database)
    signs, receipts = _signs(services)
    return {
        "refresh": _REFRESH,
        "guesses": guessing(services.database, now),
        "waiting": found,
        "gateways": _gateways(services, counted.by_gateway if counted else {}),
        "counted_at": counted.as_of if counted else None,
        "lanes": LANES,
        "signs": signs,
        "receipts": receipts,
        "spools": _spools(services),
        "heard_after": now - LATE,
        "works": {work: _WORKS[work.value] for work in Work},
        "is_late": signs is not None and (signs.swept_at is None or now - signs.swept_at > LATE),
    }


def _gateways(services: Services, hours: dict[str, Hour]) -> list[GatewayNow]:
    known = services.gateways.by_name
    try:
        rests: dict[str, float] = pacing.resting(services.queue, list(known))
    except redis.RedisError:
        rests = {}
    told, found = balances.kept(services.database), []
    for name, gateway in known.items():
        to_receive = [s.name for s in gateway.settings if s.required_to_receive and not gateway.environ.get(s.name)]
        lacks = list(dict.fromkeys([*gateway.missing_to_send(), *to_receive]))
        is_chosen = name == services.settings.sms_gateway
        hour = hours.get(name, Hour())
        found.append(GatewayNow(name, is_chosen, lacks, hour, rests.get(name), told.get(name)))
    return found


def _signs(services: Services) -> tuple[Pulse | None, int | None]:
    """The signs of life, and how many receipts wait; None where Redis does not answer: the page is wanted then, too."""
    try:
        return pulse.feel(services.queue), receipt_stream.waiting(services.queue)
    except redis.RedisError:
        return None, None


def _spools(services: Services) -> list[Noted]:
    """What each machine has on disk for when PostgreSQL is back, as it told last."""
    try:
        return spool_notes.noted(services.queue)
    except redis.RedisError:
        return []


def _wake(services: Services, *lanes: Lane) -> None:
    """Have the lanes' workers look at once; if Redis is away, the sweep has them look later."""
    for lane in lanes:
        try:
            enqueue_once(services.queue, lane, partial(enqueue_drain, services.queue, lane))
        except redis.RedisError:
            return


def _back() -> Response:
    return redirect(url_for("admin.system"))
