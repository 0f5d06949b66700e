"""``/admin/desk/``: a facility's day. Who is expected, who has come, who was deferred, who stayed away.

Made for a cheap phone: one list, large buttons, no script needed. What was searched for never stands in an address.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from itertools import groupby
from typing import Final

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.daytime import hours_text, zone_name
from bot.officers.permissions import May
from bot.registration import attendance, day_list, records
from bot.registration.attendance import Mark, Marking
from bot.registration.corrections import LONGEST_REASON, SHORTEST_REASON, BadReason, checked_reason
from bot.registration.day_list import DeskFacility, Expected, Sought
from bot.registration.on_behalf import FIT
from bot.web.admin.access import Room, actor, area
from bot.web.admin.exports import csv_response
from bot.web.admin.people import officer, row_id
from bot.web.admin.person_booking import CONDITIONS
from bot.web.admin.words import language, mark, say

_ = mark

_REASONS: Final = {name: label for name, label in CONDITIONS.items() if name != FIT}
#: Characters of what may be searched for.
_LONGEST_SEARCH: Final = 100
#: The states of people at the desk, as they are called, with their colour.
_STATES: Final = {
    "booked": ("", _("expected")),
    "attended": ("good", _("vaccinated")),
    "no_show": ("bad", _("did not come")),
    "deferred": ("warm", _("deferred")),
}
_SAID: Final = {
    Marking.ALREADY: ("good", _("It was noted before; nothing has changed.")),
    Marking.CHANGED: ("warm", _("This booking has changed meanwhile. Look at the list again.")),
    Marking.TOO_EARLY: ("warm", _("That session is on a later day. Nothing was noted.")),
    Marking.TOO_LATE: ("warm", _("Only what was noted today can be taken back.")),
    Marking.BOOKED_AGAIN: ("warm", _("They have booked another place meanwhile. Search for them again.")),
    Marking.FULL: ("warm", _("Their place has been given to somebody else, and the session is full.")),
}
_DONE: Final = {
    "attended": _("Noted: vaccinated."),
    "no_show": _("Noted: did not come."),
    "deferred": _("Noted: deferred. The reason is kept under seal."),
    "undo": _("Taken back: expected again."),
}


def register(room: Room) -> None:
    """The list, searching, marking, the download."""
    services = room.services
    database = services.database

    @room.get("/desk/", needs=May.DESK)
    def desk() -> str:
        now = services.clock.now()
        own = area().facility_id
        if own is None and not request.args.get("facility"):
            named = request.args.get("place", "").strip()[:60]
            return render_template(
                "admin/desk/choose.html",
                facilities=day_list.facilities(database, officer(), named),
                named=named,
                most=day_list.MOST_FACILITIES,
            )
        place = day_list.facility(database, row_id(request.args.get("facility") or own), officer(), now)
        return _page(room, place, _day(request.args.get("day"), place.today), now)

    @room.post("/desk/<int:facility_id>/find", needs=May.DESK)
    def desk_find(facility_id: int) -> str:
        now = services.clock.now()
        place = day_list.facility(database, row_id(facility_id), officer(), now)
        typed = request.form.get("typed", "")[:_LONGEST_SEARCH]
        found = day_list.seek(database, services.vault, typed, place.id, officer(), now)
        return _page(room, place, _day(request.form.get("day"), place.today), now, found)

    @room.post("/desk/bookings/<int:booking_id>/mark", needs=May.DESK)
    def desk_mark(booking_id: int) -> Response:
        what, now = request.form.get("what", ""), services.clock.now()
        number = row_id(booking_id)
        acts: dict[str, Callable[[], Marking]] = {
            "attended": lambda: attendance.mark(database, number, Mark.ATTENDED, officer(), now),
            "no_show": lambda: attendance.mark(database, number, Mark.NO_SHOW, officer(), now),
            "undo": lambda: attendance.undo(database, number, officer(), now),
        }
        if what not in acts:
            abort(404)
        return _told(acts[what](), what, number)

    @room.get("/desk/bookings/<int:booking_id>/defer", needs=May.DESK)
    def desk_deferring(booking_id: int) -> str:
        one = day_list.one(database, row_id(booking_id), officer(), services.clock.now())
        return render_template("admin/desk/defer.html", one=one, reasons=_REASONS, hours=_hours)

    @room.post("/desk/bookings/<int:booking_id>/defer", needs=May.DESK)
    def desk_defer(booking_id: int) -> Response:
        number, condition = row_id(booking_id), request.form.get("condition", "")
        now = services.clock.now()
        day_list.one(database, number, officer(), now)
        if condition not in _REASONS:
            flash(say("Choose why the vaccination is deferred."), "warm")
            return redirect(url_for("admin.desk_deferring", booking_id=number))
        return _told(attendance.defer(database, services.vault, number, condition, officer(), now), "deferred", number)

    @room.post("/desk/<int:facility_id>/left-over", needs=May.DESK)
    def desk_left_over(facility_id: int) -> Response:
        now = services.clock.now()
        place = day_list.facility(database, row_id(facility_id), officer(), now)
        day = _day(request.form.get("day"), place.today)
        count = attendance.mark_left_over(database, place.id, day, officer(), now)
        flash(say("Noted as not come: {n}.", n=count), "good")
        return redirect(url_for("admin.desk", facility=place.id, day=day.isoformat()))

    @room.get("/desk/<int:facility_id>/list.csv", needs=May.EXPORT)
    def desk_csv(facility_id: int) -> Response:
        return _csv(facility_id, request.args.get("day"), None)

    @room.post("/desk/<int:facility_id>/list.csv", needs=May.REVEAL_NIK)
    def desk_csv_whole(facility_id: int) -> Response:
        day = request.form.get("day")
        place = day_list.facility(database, row_id(facility_id), officer(), services.clock.now())
        if not room.may(May.EXPORT):
            abort(403)
        try:
            reason = checked_reason(request.form.get("reason", ""))
        except BadReason:
            flash(
                say(
                    "Give a reason of {least} to {most} characters, without anybody's number.",
                    least=SHORTEST_REASON,
                    most=LONGEST_REASON,
                ),
                "warm",
            )
            return redirect(url_for("admin.desk", facility=place.id, day=day))
        return _csv(facility_id, day, reason)

    def _csv(facility_id: int, day_typed: str | None, reason: str | None) -> Response:
        now = services.clock.now()
        place = day_list.facility(database, row_id(facility_id), officer(), now)
        day = _day(day_typed, place.today)
        rows = records.day_list(
            *(database, services.vault, place.code, day),
            with_nik=reason is not None,
            now=now,
            actor=actor(),
            reason=reason,
        )
        columns = records.DAY_COLUMNS
        return csv_response(f"{place.code}-{day}", columns, ([row[column] for column in columns] for row in rows))


def _page(room: Room, place: DeskFacility, day: date, now: datetime, sought: Sought | None = None) -> str:
    people = day_list.expected(room.services.database, place.id, day, officer(), now)
    counts = {state: sum(1 for one in people if one.state == state) for state in _STATES}
    return render_template(
        "admin/desk/day.html",
        place=place,
        chosen=day,
        sessions=[list(group) for _key, group in groupby(people, key=lambda one: one.session_id)],
        counts=counts,
        left_over=sum(1 for one in people if one.state == "booked" and one.is_over),
        sought=sought,
        states=_STATES,
        hours=_hours,
        is_own=area().facility_id is not None,
        zone_name=zone_name,
        reason_least=SHORTEST_REASON,
        reason_most=LONGEST_REASON,
    )


def _told(outcome: Marking, what: str, booking_id: int) -> Response:
    """Back to the list, to the line of who was marked; to the top of it where there is something to be read."""
    kind, text = ("good", _DONE[what]) if outcome is Marking.DONE else _SAID[outcome]
    flash(say(text), kind)
    facility, day = request.form.get("facility"), request.form.get("day")
    anchor = f"b{booking_id}" if outcome is Marking.DONE else None
    return redirect(url_for("admin.desk", facility=facility, day=day, _anchor=anchor))


def _hours(one: Expected) -> str:
    return hours_text(one.start, one.end, language())


def _day(text: str | None, otherwise: date) -> date:
    try:
        return date.fromisoformat(text) if text else otherwise
    except ValueError:
        abort(404)
