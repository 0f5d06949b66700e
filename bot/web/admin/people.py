"""``/admin/people/``: somebody is looked up, and their whole story read.

What was searched for never stands in an address. Who looks up for callers is written down.
"""

from __future__ import annotations

import secrets

from flask import abort, flash, render_template, request

from bot.daytime import hours_text, zone, zone_name
from bot.officers.accounts import Role
from bot.officers.permissions import May
from bot.registration.corrections import LONGEST_REASON, SHORTEST_REASON, BadReason, reveal_nik
from bot.registration.officer import Officer, OutOfReach, Reach
from bot.registration.people_search import MOST, By, search
from bot.registration.story import booking_lines, claim_lines, note_look, note_search, standing
from bot.registration.timeline import timeline
from bot.web.admin.access import Room, actor, area, signed_in
from bot.web.admin.campaigns import reason_word, title_of
from bot.web.admin.people_words import WORDS
from bot.web.admin.screen_words import screen_words, second_of
from bot.web.admin.words import language, say

_LONGEST_SEARCH = 100
#: Above what a row's id can be.
_NO_ID = 2**63


def officer() -> Officer:
    """Who is signed in, with what lies within their reach."""
    here = area()
    return Officer(actor(), Reach(here.of_workers(), here.of_facilities(), here.parameters))


def row_id(text: str | int | None) -> int:
    """The id of a row as a form or an address names it; what can be none is 404."""
    try:
        number = int(text or "")
    except ValueError:
        abort(404)
    return number if 0 < number < _NO_ID else abort(404)


def _is_noted() -> bool:
    """Whether what this admin looks at is written to the audit log."""
    return signed_in().role is Role.CALL_CENTRE


def register(room: Room) -> None:
    """Searching, the story, the whole NIK."""
    services = room.services

    @room.blueprint.errorhandler(OutOfReach)
    def out_of_reach(_error: OutOfReach) -> tuple[str, int]:
        return render_template("admin/refused.html", status=404, reason=""), 404

    @room.get("/people/", needs=May.SEE_PEOPLE)
    def people() -> str:
        return render_template("admin/people/search.html", found=None, typed="", most=MOST, **WORDS)

    @room.post("/people/", needs=May.SEE_PEOPLE)
    def people_found() -> str:
        typed = request.form.get("typed", "")[:_LONGEST_SEARCH]
        who = officer()
        found = search(services.database, services.vault, who.reach, typed)
        if _is_noted() and found.by is not By.NOTHING:
            note_search(services.database, found.by, len(found.people), who, services.clock.now())
        shown = "" if found.by is By.NIK else typed
        return render_template("admin/people/search.html", found=found, typed=shown, most=MOST, **WORDS)

    @room.get("/people/<int:worker>", needs=May.SEE_PEOPLE)
    def people_one(worker: int) -> str:
        before = request.args.get("before", "")
        page = _page(room, row_id(worker), before)
        if _is_noted() and not before:
            note_look(services.database, worker, officer(), services.clock.now())
        return page

    @room.post("/people/<int:worker>/nik", needs=May.REVEAL_NIK)
    def people_nik(worker: int) -> str:
        reason, now = request.form.get("reason", ""), services.clock.now()
        nik: str | None = None
        try:
            nik = reveal_nik(services.database, services.vault, row_id(worker), reason, officer(), now)
        except BadReason:
            flash(
                say(
                    "Write the reason in {least} to {most} characters, without anybody's number.",
                    least=SHORTEST_REASON,
                    most=LONGEST_REASON,
                ),
                "bad",
            )
        if nik == "":
            flash(say("The NIK is not kept any more."), "warm")
        return _page(room, worker, "", nik=nik)


def _page(room: Room, worker_id: int, before: str, *, nik: str | None = None) -> str:
    """A worker's page. ``nik``: the whole one, shown this once."""
    services, who = room.services, officer()
    person = standing(services.database, worker_id, who, services.clock.now())
    bookings = booking_lines(services.database, worker_id)
    line = timeline(
        services.database,
        services.vault,
        worker_id,
        who,
        before,
        texts=room.may(May.EDIT_PEOPLE),
        bodies=room.may(May.BOOK),
    )
    return render_template(
        "admin/people/person.html",
        person=person,
        nik=nik,
        bookings=bookings,
        current=next((line for line in bookings if line.state in {"booked", "attended"}), None),
        claims=claim_lines(services.database, worker_id),
        line=line,
        is_first=not before,
        once=secrets.token_urlsafe(12),
        zone_of=zone,
        zone_name=zone_name,
        reason_word=reason_word,
        title_of=title_of,
        screen_words=screen_words,
        second_of=second_of,
        hours=lambda slot: hours_text(slot.start, slot.end, language()),
        least_reason=SHORTEST_REASON,
        most_reason=LONGEST_REASON,
        **WORDS,
    )
