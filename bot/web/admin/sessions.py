"""``/admin/sessions/``: a facility's week with its fill; opening, closing, more places, cancelling with all that follows."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Final

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.daytime import hours_text, zone_name
from bot.officers.permissions import May
from bot.registration import moving, session_changes, session_week
from bot.registration.session_changes import Change, NewSession
from bot.registration.session_week import DAYS, MOST, Place, SessionLine, monday_of
from bot.web.admin.access import Room, area
from bot.web.admin.people import officer, row_id
from bot.web.admin.uploads import wake_office
from bot.web.admin.words import language, mark, say

_ = mark

_SAID: Final = {
    Change.SAME: ("good", _("It is so already; nothing has changed.")),
    Change.BELOW_TAKEN: ("bad", _("More places are taken than that. Move people first, or choose a higher number.")),
    Change.NO_NUMBER: ("bad", _("The number of places must be from 1 to 10,000.")),
    Change.CANCELLED: ("warm", _("This session is cancelled, for good.")),
    Change.OVER: ("warm", _("This session is over.")),
    Change.THERE_ALREADY: ("warm", _("There is a session at that hour already.")),
    Change.WRONG_HOURS: ("bad", _("The end must be after the start.")),
    Change.IN_THE_PAST: ("bad", _("That hour has passed.")),
}

_CHANGES: Final = frozenset({"open", "close", "capacity", "cancel"})


def register(room: Room) -> None:
    """Districts, facilities, a week, a session, and what is done with it."""
    services = room.services
    database = services.database

    @room.get("/sessions/", needs=May.SEE_SESSIONS)
    def sessions() -> str:
        now, own = services.clock.now(), area().facility_id
        district, facility = request.args.get("district", ""), request.args.get("facility", "")
        if facility or own is not None:
            place = session_week.place(database, row_id(facility or own), officer(), now)
            return _week(room, place, _monday(place.today))
        today = now.astimezone(services.settings.time_zone).date()
        known = session_week.districts(database, officer())
        chosen = next((one for one in known if one[0] == district), None)
        if district and chosen is None:
            abort(404)
        if chosen is None and len(known) == 1:
            chosen = known[0]
        if chosen is None:
            return render_template("admin/sessions/districts.html", districts=known)
        monday, named = _monday(today), request.args.get("place", "").strip()[:60]
        return render_template(
            "admin/sessions/facilities.html",
            district=chosen,
            several=len(known) > 1,
            facilities=session_week.facilities(database, officer(), chosen[0], monday, named),
            named=named,
            most=MOST,
            **_days(monday),
        )

    @room.get("/sessions/<int:session_id>", needs=May.SEE_SESSIONS)
    def session_one(session_id: int) -> str:
        now = services.clock.now()
        one = session_week.session(database, row_id(session_id), officer(), now)
        standing = moving.standing(database, one.id) if one.cancelled_at else None
        may_call = one.cancelled_at is not None and room.may(May.SEE_PEOPLE)
        return render_template(
            "admin/sessions/one.html",
            one=one,
            standing=standing,
            to_call=moving.to_call(database, one.id, officer().reach) if may_call else [],
            most=moving.MOST,
            monday=monday_of(one.day),
            hours=_hours,
            zone_name=zone_name,
        )

    @room.post("/sessions/<int:session_id>/<what>", needs=May.EDIT_SESSIONS)
    def session_change(session_id: int, what: str) -> Response:
        now, number, who = services.clock.now(), row_id(session_id), officer()
        session_week.session(database, number, who, now)
        if what not in _CHANGES:
            abort(404)
        if what == "capacity":
            outcome = session_changes.set_capacity(database, number, _count(request.form.get("capacity")), who, now)
        elif what == "cancel":
            outcome = session_changes.cancel(database, number, who, now)
            if outcome is Change.DONE:
                wake_office(services)
        else:
            outcome = session_changes.set_open(database, number, what == "open", who, now)
        done = _("The session is cancelled. Its people are being moved, and told by SMS.")
        _tell(outcome, done if what == "cancel" else _("Changed."))
        return redirect(url_for("admin.session_one", session_id=number))

    @room.post("/sessions/add", needs=May.EDIT_SESSIONS)
    def session_add() -> Response:
        now = services.clock.now()
        place = session_week.place(database, row_id(request.form.get("facility")), officer(), now)
        try:
            day = date.fromisoformat(request.form.get("day", ""))
            start, end = (
                time.fromisoformat(request.form.get("start", "")),
                time.fromisoformat(request.form.get("end", "")),
            )
        except ValueError:
            flash(say("Give the day, the hours and the number of places."), "warm")
            return redirect(url_for("admin.sessions", facility=place.id))
        wanted = NewSession(
            place.id, day, start.replace(tzinfo=None), end.replace(tzinfo=None), _count(request.form.get("capacity"))
        )
        _tell(session_changes.add(database, wanted, officer(), now), _("The session is added, and open for booking."))
        return redirect(url_for("admin.sessions", facility=place.id, week=day.isoformat()))


def _week(room: Room, place: Place, monday: date) -> str:
    now = room.services.clock.now()
    lines = session_week.week(room.services.database, place.id, monday, officer(), now)
    days = [monday + timedelta(days=number) for number in range(DAYS)]
    return render_template(
        "admin/sessions/week.html",
        place=place,
        is_own=area().facility_id is not None,
        days=[(each, [line for line in lines if line.day == each]) for each in days],
        taken=sum(line.taken for line in lines if line.cancelled_at is None),
        capacity=sum(line.capacity for line in lines if line.cancelled_at is None),
        hours=_hours,
        zone_name=zone_name,
        **_days(monday),
    )


def _days(monday: date) -> dict[str, date]:
    return {
        "monday": monday,
        "sunday": monday + timedelta(days=DAYS - 1),
        "before": monday - timedelta(days=DAYS),
        "after": monday + timedelta(days=DAYS),
    }


def _monday(today: date) -> date:
    """The week that is asked for, or this one."""
    try:
        day = date.fromisoformat(request.args.get("week") or today.isoformat())
        return monday_of(day) if 2000 <= day.year <= 2200 else abort(404)
    except ValueError:
        abort(404)


def _count(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) <= 6 else 0


def _tell(outcome: Change, done: str) -> None:
    kind, text = ("good", done) if outcome is Change.DONE else _SAID[outcome]
    flash(say(text), kind)


def _hours(line: SessionLine) -> str:
    return hours_text(line.start, line.end, language())
