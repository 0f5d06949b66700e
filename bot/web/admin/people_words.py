"""What states, messages and acts are called on people's pages."""

from __future__ import annotations

from typing import Final

from bot.web.admin.words import mark, say

_ = mark

_WORKER_STATES: Final = {
    "not_invited": _("not invited yet"),
    "invited": _("invited"),
    "started": _("has answered"),
    "verified": _("identity confirmed"),
    "deferred": _("deferred"),
    "booked": _("booked"),
    "cancelled": _("cancelled"),
    "attended": _("vaccinated"),
    "no_show": _("did not come"),
}
_BOOKING_STATES: Final = {
    "booked": _("booked"),
    "attended": _("vaccinated"),
    "no_show": _("did not come"),
    "cancelled": _("cancelled"),
    "changed": _("changed for another"),
}
_KINDS: Final = {
    "ticket": _("ticket"),
    "reply": _("answer"),
    "claim": _("notice about another number"),
    "enquiry": _("notice about an enquiry"),
    "notice": _("notice about a cancelled session"),
    "reminder": _("reminder"),
    "blast": _("invitation"),
    "SMS": _("SMS received"),
}
_MESSAGE_STATES: Final = {
    "queued": _("waiting"),
    "accepted": _("taken by the gateway"),
    "delivered": _("delivered"),
    "rejected": _("not delivered"),
    "unknown": _("fate unknown"),
    "suppressed": _("left out"),
    "received": _("waiting"),
    "handled": _("answered"),
    "ignored": _("needs no answer"),
    "dead": _("could not be answered"),
}
_ACTS: Final = {
    "booking.book": _("booked a place"),
    "booking.change": _("changed the place"),
    "booking.cancel": _("cancelled the booking"),
    "booking.move": _("moved the place, since the session is cancelled"),
    "booking.no-place": _("cancelled the booking with its session; there was no other place"),
    "desk.attended": _("checked in: vaccinated"),
    "desk.no_show": _("noted as not come"),
    "desk.deferred": _("deferred the vaccination at the desk"),
    "desk.undo": _("took the desk's mark back"),
    "follow_up.take": _("took on the follow-up"),
    "follow_up.give-back": _("gave the follow-up back"),
    "follow_up.note": _("noted what came of the follow-up"),
    "worker.add": _("put on the list after an enquiry"),
    "ticket.send": _("sent the ticket again"),
    "screening.defer": _("noted that the vaccination is deferred"),
    "person.number": _("corrected the number"),
    "person.number-right": _("confirmed the number"),
    "person.language": _("changed the language"),
    "person.opt-out": _("stopped invitations"),
    "person.opt-in": _("allowed invitations"),
    "person.look": _("looked at this page"),
    "identity.unlock": _("lifted the lock"),
    "nik.reveal": _("read the whole NIK"),
    "privacy.export": _("downloaded all data"),
    "claim.open": _("another number asked to be theirs"),
    "claim.accept": _("approved another number"),
    "claim.reject": _("declined another number"),
}
#: Whether something is as it should be, for the colour of its label.
_TONES: Final = {
    **dict.fromkeys(("booked", "attended", "delivered", "handled"), "good"),
    **dict.fromkeys(("deferred", "no_show", "unknown", "started"), "warm"),
    **dict.fromkeys(("rejected", "dead", "cancelled"), "bad"),
}


def _said(words: dict[str, str], key: str) -> str:
    return say(words[key]) if key in words else key


def worker_state(state: str) -> str:
    """Where a worker stands."""
    return _said(_WORKER_STATES, state)


def booking_state(state: str) -> str:
    """What became of a booking."""
    return _said(_BOOKING_STATES, state)


def kind_of_message(kind: str) -> str:
    """What a message is."""
    return _said(_KINDS, kind)


def message_state(state: str) -> str:
    """What became of a message."""
    return _said(_MESSAGE_STATES, state)


def act(action: str) -> str:
    """What somebody did, as the audit log has it."""
    return _said(_ACTS, action)


def tone(state: str) -> str:
    """The tone of a state's label: good, warm, bad or none."""
    return _TONES.get(state, "")


#: What templates call these by.
WORDS: Final = {
    "worker_state": worker_state,
    "booking_state": booking_state,
    "kind_of_message": kind_of_message,
    "message_state": message_state,
    "act_words": act,
    "tone": tone,
}
