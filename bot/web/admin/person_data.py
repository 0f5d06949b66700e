"""What the law gives everybody: all that is kept of somebody is handed out, and erased where they want that."""

from __future__ import annotations

import json

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.officers.permissions import May
from bot.privacy.erasing import Erased, MessageLeaving, erase
from bot.privacy.export import export
from bot.registration.corrections import LONGEST_REASON, SHORTEST_REASON, BadReason
from bot.registration.story import Standing, standing
from bot.web.admin.access import Room
from bot.web.admin.people import officer, row_id
from bot.web.admin.words import say


def register(room: Room) -> None:
    """The download and the page on which an erasure is confirmed."""
    services = room.services

    @room.post("/people/<int:worker>/data", needs=May.HAND_OUT_DATA)
    def people_data(worker: int) -> Response:
        now = services.clock.now()
        try:
            found = export(
                services.database, services.vault, row_id(worker), request.form.get("reason", ""), officer(), now
            )
        except BadReason:
            _bad_reason()
            return redirect(url_for("admin.people_one", worker=worker))
        answer = Response(json.dumps(found, ensure_ascii=False, indent=2), mimetype="application/json")
        answer.headers["Content-Disposition"] = f'attachment; filename="person-{worker}.json"'
        return answer

    @room.get("/people/<int:worker>/erase", needs=May.ERASE_PEOPLE)
    def people_erase(worker: int) -> str:
        return _page(_person(worker))

    @room.post("/people/<int:worker>/erase", needs=May.ERASE_PEOPLE)
    def people_erase_now(worker: int) -> Response | str:
        person = _person(worker)
        if _plain(request.form.get("confirm", "")) != _plain(person.name):
            flash(say("Type the name as it stands here: then the right person is meant."), "bad")
            return _page(person)
        try:
            erased = erase(
                services.database,
                services.vault,
                services.store,
                row_id(worker),
                request.form.get("reason", ""),
                officer(),
                services.clock.now(),
            )
        except BadReason:
            _bad_reason()
            return _page(person)
        except MessageLeaving:
            flash(say("A message to them is just leaving. Try again in a minute; nothing was erased."), "warm")
            return _page(person)
        _tell(erased)
        return redirect(url_for("admin.people"))

    def _person(worker: int) -> Standing:
        return standing(services.database, row_id(worker), officer(), services.clock.now())

    def _page(person: Standing) -> str:
        return render_template(
            "admin/people/erase.html", person=person, least_reason=SHORTEST_REASON, most_reason=LONGEST_REASON
        )


def _tell(erased: Erased) -> None:
    flash(say("This person is erased. What was booked stays in the figures, without anybody's name."), "good")
    if erased.cancelled:
        flash(say("Places given back: {n}.", n=erased.cancelled), "warm")
    if erased.stopped:
        flash(say("Messages that had not left yet and do not leave: {n}.", n=erased.stopped), "warm")
    if erased.shared:
        flash(say("Their number is somebody else's too: what came from it and went to it was left."), "warm")
    if erased.opted_out:
        flash(say("Their number stays on the register of those who want no invitations."), "warm")


def _bad_reason() -> None:
    flash(
        say(
            "Write the reason in {least} to {most} characters, without anybody's name or number.",
            least=SHORTEST_REASON,
            most=LONGEST_REASON,
        ),
        "bad",
    )


def _plain(name: str) -> str:
    return " ".join(name.lower().split())
