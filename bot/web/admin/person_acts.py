"""What officers put right on a worker's page: number, language, invitations, locks, claims, the ticket, the booking's end."""

from __future__ import annotations

import re

import structlog
from flask import abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from bot.conversation.store import StoreAway
from bot.officers.permissions import May
from bot.phone import NotAPhone, parse_phone
from bot.registration import corrections, on_behalf
from bot.registration.acts import Done
from bot.registration.corrections import NumberChanged
from bot.services import Services
from bot.web.admin.access import Room
from bot.web.admin.people import officer, row_id
from bot.web.admin.person_booking import ticket_sms
from bot.web.admin.words import LANGUAGES, mark, say

_ = mark
_log = structlog.get_logger(__name__)

#: What a form sends along so that sending it twice does nothing twice.
_ONCE = re.compile(r"[A-Za-z0-9_-]{8,40}", re.ASCII)

_CHANGED_MEANWHILE = _("The booking has changed meanwhile. Look at it again.")


def register(room: Room) -> None:
    """The small forms of ``/admin/people/<id>``."""
    services = room.services

    @room.post("/people/<int:worker>/number", needs=May.EDIT_PEOPLE)
    def people_number(worker: int) -> Response:
        back = _back(worker)
        try:
            phone = parse_phone(request.form.get("phone", ""))
        except NotAPhone:
            _check_there(services, worker)
            flash(
                say("That is no mobile number. Write it like 0812 3456 7890, or with + and the country's code."), "bad"
            )
            return back
        changed = corrections.change_number(services.database, row_id(worker), phone, officer(), services.clock.now())
        if isinstance(changed, NumberChanged):
            _start_conversations_over(services, *changed.barred, phone)
            flash(say("The number is corrected."), "good")
            if changed.others:
                flash(say("Others on the list have this number too: {n}.", n=changed.others), "warm")
            if changed.declined:
                flash(
                    say("Other numbers that asked to be this person's were declined: {n}.", n=changed.declined), "warm"
                )
        elif changed.was_wrong:
            flash(say("The number stays. It counts as reachable again."), "good")
        else:
            flash(say("That is the number that we have."), "warm")
        return back

    @room.post("/people/<int:worker>/language", needs=May.EDIT_PEOPLE)
    def people_language(worker: int) -> Response:
        chosen = request.form.get("language", "")
        if chosen not in LANGUAGES:
            abort(404)
        if corrections.set_language(services.database, row_id(worker), chosen, officer(), services.clock.now()):
            flash(say("The language is changed."), "good")
        return _back(worker)

    @room.post("/people/<int:worker>/invitations", needs=May.EDIT_PEOPLE)
    def people_invitations(worker: int) -> Response:
        want = request.form.get("want")
        if want not in {"yes", "no"}:
            abort(404)
        out = want == "no"
        changed = corrections.set_opted_out(
            services.database, row_id(worker), officer(), services.clock.now(), opted_out=out
        )
        if changed and out:
            flash(say("This number gets no more invitations and reminders."), "good")
        elif changed:
            flash(say("This number gets invitations and reminders again."), "good")
        return _back(worker)

    @room.post("/people/<int:worker>/unlock", needs=May.EDIT_PEOPLE)
    def people_unlock(worker: int) -> Response:
        if corrections.unlock(services.database, services.vault, row_id(worker), officer(), services.clock.now()):
            flash(say("The lock is lifted. They can try again at once."), "good")
        return _back(worker)

    @room.post("/people/<int:worker>/claims/<int:claim_id>", needs=May.EDIT_PEOPLE)
    def people_claim(worker: int, claim_id: int) -> Response:
        decision = request.form.get("decision")
        if decision not in {"approve", "decline"}:
            abort(404)
        approve = decision == "approve"
        now = services.clock.now()
        settled = corrections.decide_claim(
            services.database, row_id(worker), row_id(claim_id), officer(), now, approve=approve
        )
        if settled is None:
            flash(say("This is settled already."), "warm")
            return _back(worker)
        _start_conversations_over(services, *settled)
        if approve:
            flash(say("Approved: the number is this person's now."), "good")
        else:
            flash(say("Declined: the number cannot act for this person any more."), "good")
        return _back(worker)

    @room.post("/people/<int:worker>/cancel", needs=May.BOOK)
    def people_cancel(worker: int) -> Response:
        booking = row_id(request.form.get("booking"))
        done = on_behalf.cancel(services.database, row_id(worker), booking, officer(), services.clock.now())
        if isinstance(done, Done):
            flash(say("The booking is cancelled. The place is free for somebody else."), "good")
        else:
            flash(say(_CHANGED_MEANWHILE), "warm")
        return _back(worker)

    @room.post("/people/<int:worker>/ticket", needs=May.BOOK)
    def people_ticket(worker: int) -> Response:
        booking, once = row_id(request.form.get("booking")), request.form.get("once", "")
        if not _ONCE.fullmatch(once):
            abort(404)
        done = on_behalf.send_ticket(
            services.database,
            services.terms,
            row_id(worker),
            booking,
            officer(),
            ticket_sms(services),
            services.clock.now(),
            once=once,
        )
        if isinstance(done, Done):
            services.waker.wake()
            flash(say("The SMS with the ticket is on its way."), "good")
        elif isinstance(done, on_behalf.NoNumber):
            flash(say("There is no number to send it to. Read the ticket out, or write it down for them."), "warm")
        else:
            flash(say(_CHANGED_MEANWHILE), "warm")
        return _back(worker)


def _back(worker: int) -> Response:
    return redirect(url_for("admin.people_one", worker=worker))


def _check_there(services: Services, worker_id: int) -> None:
    """404 for somebody outside the reach, whatever else is wrong with the form."""
    corrections.check_there(services.database, row_id(worker_id), officer())


def _start_conversations_over(services: Services, *phones: str | None) -> None:
    """What a number was just talking about may be somebody else's affair now."""
    store = services.store
    for phone in phones:
        if phone is None:
            continue
        try:
            store.forget(phone)
        except StoreAway as error:
            # Every act asks once more whether the number may: an old screen does no harm.
            _log.warning("conversation_not_forgotten", error=type(error).__name__)
