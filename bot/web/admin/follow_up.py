"""``/admin/follow-up/``: who is not registered yet and why, who calls or visits them, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.db import audit
from bot.followup import gathering, taking
from bot.followup.listing import Case, Filter, district_name, districts, everybody, facilities, page
from bot.followup.reasons import Reason
from bot.followup.taking import LONGEST_NOTE, Outcome
from bot.officers.accounts import Role
from bot.officers.permissions import May
from bot.services import Services
from bot.web.admin.access import Room, actor, area, signed_in
from bot.web.admin.exports import table_response
from bot.web.admin.follow_up_words import OUTCOMES, REASONS, TAKEN
from bot.web.admin.people import officer, row_id
from bot.web.admin.person_booking import CONDITIONS
from bot.web.admin.words import say

#: People on one printed list.
_MOST_PRINTED = 500
_LONGEST = 100
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def register(room: Room) -> None:
    """Districts, a district's list, taking and noting, the list to take along."""
    services, database = room.services, room.services.database

    @room.get("/follow-up/", needs=May.FOLLOW_UP)
    def follow_up() -> str | Response:
        places = districts(database, area())
        if len(places) == 1:
            return redirect(url_for("admin.follow_up_district", district=places[0][0]))
        counted = gathering.counted(database)
        rows = [counted.of(code).by_reason for code, _name, _province in places] if counted else []
        return render_template(
            "admin/follow-up/districts.html",
            places=places,
            counted=counted,
            reasons={reason: label for reason, label in REASONS.items() if any(row.get(reason) for row in rows)},
        )

    @room.get("/follow-up/<district>/", needs=May.FOLLOW_UP)
    def follow_up_district(district: str) -> str:
        return _list(services, district, "")

    @room.post("/follow-up/<district>/", needs=May.FOLLOW_UP)
    def follow_up_search(district: str) -> str:
        # A name is searched for by a form's body, so that it stands in no address.
        return _list(services, district, request.form.get("name", "")[:_LONGEST])

    @room.post("/follow-up/people/<int:worker>/take", needs=May.FOLLOW_UP)
    def follow_up_take(worker: int) -> Response:
        if taking.take(database, row_id(worker), officer(), services.clock.now()):
            flash(say("Taken: for 24 hours nobody else calls them."), "good")
        else:
            flash(say("They are taken already, or registered by now."), "warm")
        return _back()

    @room.post("/follow-up/people/<int:worker>/give-back", needs=May.FOLLOW_UP)
    def follow_up_give_back(worker: int) -> Response:
        if taking.give_back(database, row_id(worker), officer(), services.clock.now()):
            flash(say("Given back: somebody else can take them."), "good")
        return _back()

    @room.post("/follow-up/people/<int:worker>/outcome", needs=May.FOLLOW_UP)
    def follow_up_outcome(worker: int) -> Response:
        number, found = row_id(worker), request.form.get("outcome", "")
        if found not in set(Outcome):
            abort(404)
        outcome, words, now = Outcome(found), request.form.get("note", ""), services.clock.now()
        if taking.note(database, services.vault, number, outcome, words, officer(), now):
            flash(say("Noted."), "good")
        else:
            flash(say("You have not taken them (any more). Take them first."), "warm")
        return _back()

    @room.get("/follow-up/<district>/list.<kind>", needs=May.EXPORT)
    def follow_up_export(district: str, kind: str) -> Response:
        if kind not in {"csv", "xlsx"} or not room.may(May.FOLLOW_UP):
            abort(404)
        _name_of(services, district)
        meant = _meant(district, _reason(services, district), "")
        now = services.clock.now()
        people = list(everybody(database, meant, area(), actor(), now))
        _note_export(services, meant, len(people), kind, now)
        headers = [
            *(say("Name"), say("Number"), say("Facility"), say("Address"), say("Profession")),
            *(say("Reason"), say("Since"), say("Taken by"), say("Outcome")),
        ]
        return table_response(kind, f"follow-up-{district}-{meant.reason}", headers, list(_rows(people, meant.reason)))

    @room.get("/follow-up/<district>/print", needs=May.EXPORT)
    def follow_up_print(district: str) -> str:
        name = _name_of(services, district)
        meant = _meant(district, _reason(services, district), "")
        if not room.may(May.FOLLOW_UP):
            abort(404)
        now = services.clock.now()
        people, more = page(database, meant, area(), actor(), now, limit=_MOST_PRINTED)
        _note_export(services, meant, len(people), "print", now)
        return render_template(
            "admin/follow-up/print.html",
            district=name,
            people=people,
            more=more,
            reason=REASONS[meant.reason],
            most=_MOST_PRINTED,
        )


def _list(services: Services, district: str, typed: str) -> str:
    database, now = services.database, services.clock.now()
    name, gathered = _name_of(services, district), gathering.counted(database)
    meant = _meant(district, _reason(services, district), typed)
    people, more = page(database, meant, area(), actor(), now, _after(request.args.get("after", "")))
    is_own = signed_in().role is Role.DISTRICT
    return render_template(
        "admin/follow-up/list.html",
        district=name,
        code=district,
        counted=gathered and gathered.of(district),
        as_of=gathered and gathered.as_of,
        meant=meant,
        people=people,
        after=None if more is None else f"{(more[0] - _EPOCH) // _MICROSECOND}-{more[1]}",
        is_first=not request.args.get("after"),
        facilities=facilities(database, district, area()),
        reasons=REASONS,
        outcomes=OUTCOMES,
        taken=TAKEN,
        me=actor(),
        most_note=LONGEST_NOTE,
        note=lambda case: taking.open_note(services.vault, case.note_sealed),
        condition=lambda case: _condition(services, case) if is_own else "",
    )


def _name_of(services: Services, district: str) -> str:
    """The district's name; 404 outside the area."""
    return district_name(services.database, district, area()) or abort(404)


def _reason(services: Services, district: str) -> Reason:
    """The reason that is asked for, else the first that there is somebody for."""
    asked = request.args.get("reason", "")
    if asked:
        return Reason(asked) if asked in set(Reason) else abort(404)
    gathered = gathering.counted(services.database)
    counts = gathered.of(district).by_reason if gathered else {}
    return next((reason for reason in Reason if counts.get(reason)), Reason.NO_PHONE)


def _meant(district: str, reason: Reason, name: str) -> Filter:
    asked = request.args
    taken = asked.get("taken", "")
    facility = asked.get("facility", "")
    return Filter(
        district,
        reason,
        taken if taken in TAKEN else abort(404),
        row_id(facility) if facility else None,
        asked.get("profession", "").strip()[:_LONGEST],
        name.strip(),
    )


def _after(text: str) -> tuple[datetime, int] | None:
    """The place in the list that an address names."""
    moment, _, number = text.partition("-")
    if not text:
        return None
    if not moment.isdecimal() or len(moment) > 16:
        abort(404)
    return _EPOCH + int(moment) * _MICROSECOND, row_id(number)


def _condition(services: Services, case: Case) -> str:
    """By what somebody is deferred, for the officer in charge of their district."""
    if case.answer_sealed is None:
        return ""
    return CONDITIONS.get(services.vault.open(bytes(case.answer_sealed), "screening"), "")


def _rows(people: list[Case], reason: Reason) -> Iterator[list[object]]:
    for one in people:
        outcome = say(OUTCOMES[Outcome(one.outcome)]) if one.outcome else ""
        yield [
            *(one.name, one.phone, one.facility, one.address, one.profession),
            *(say(REASONS[reason]), one.since, one.taken_by, outcome),
        ]


def _note_export(services: Services, meant: Filter, rows: int, kind: str, now: datetime) -> None:
    with services.database.transaction() as connection:
        detail = {"reason": meant.reason.value, "rows": rows, "as": kind}
        audit.record(connection, now, actor(), "follow_up.export", f"district:{meant.district}", detail)


def _back() -> Response:
    """The list that the form was on: its own address, as the form names it."""
    district, query = request.form.get("district", ""), request.form.get("reason", "")
    if not district or query not in set(Reason):
        return redirect(url_for("admin.follow_up"))
    more: dict[str, Any] = {
        key: request.form[key] for key in ("taken", "facility", "profession", "after") if request.form.get(key)
    }
    return redirect(url_for("admin.follow_up_district", district=district, reason=query, **more))
