"""What the screens of a conversation are called, by their state in the flow, in the order of the road."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from bot.web.admin.words import mark, say

_ = mark

#: Every state in which a conversation waits for an answer or ends; a test holds that none is missing.
SCREENS: Final = {
    "birth_date": _("birth date asked"),
    "nik": _("NIK asked"),
    "nik_of_family": _("NIK asked, as several share the number"),
    "birth_date_after_nik": _("birth date asked after the NIK"),
    "locked": _("locked after wrong answers"),
    "too_many_people": _("turned away: the number has spoken for many people"),
    "enquiry_kept": _("not on the list, enquiry kept"),
    "barred": _("another number holds the booking"),
    "confirm": _("name and district to confirm"),
    "district_search": _("district asked"),
    "districts": _("list of districts"),
    "district_unknown": _("district not found"),
    "not_me_kept": _("said that it is somebody else"),
    "age_outside": _("too young or too old"),
    "screening": _("screening"),
    "which": _("which condition applies"),
    "deferred": _("deferred by the screening"),
    "deferred_before": _("deferred before, asked again"),
    "offer": _("place offered"),
    "next_offer": _("next place offered, as the first was taken"),
    "places": _("list of facilities"),
    "place_search": _("facility searched by name"),
    "no_such_place": _("no such facility with free times"),
    "times": _("list of times"),
    "no_times": _("no free times there"),
    "session_full": _("time just taken by others"),
    "no_place": _("no place left in the district"),
    "ticket": _("ticket given"),
    "booked": _("booking shown"),
    "ticket_shown": _("ticket shown"),
    "sms_sent": _("ticket sent again by SMS"),
    "cancel_sure": _("asked whether to cancel"),
    "cancelled": _("booking cancelled"),
    "nothing_booked": _("told that nothing is booked"),
    "goodbye": _("said goodbye"),
    "closed": _("registration closed"),
    "help": _("help by SMS"),
    "data": _("told who uses the data for what"),
    "stopped": _("invitations stopped"),
    "objected": _("objected to another number"),
    "object_too_late": _("objected to another number when it was too late"),
    "nothing_to_object": _("objected, but there was nothing to object to"),
}


def screen_words(state: str) -> str:
    """What a screen is called in the language of this request."""
    return say(SCREENS[state]) if state in SCREENS else state


def by_road(screens: Mapping[str, int]) -> list[tuple[str, int]]:
    """What screens are called at the head of a row and how many people each, by the road; what is not known comes last."""
    places = {state: place for place, state in enumerate(SCREENS)}
    ordered = sorted(screens.items(), key=lambda each: (each[0] == "", places.get(each[0], len(places)), each[0]))
    named = [(screen_words(state) if state else say("not known"), many) for state, many in ordered]
    return [(name[:1].upper() + name[1:], many) for name, many in named]


def second_of(moment: datetime, zone: ZoneInfo) -> str:
    """A time of day to the second, in a zone."""
    return f"{moment.astimezone(zone):%H.%M.%S}"
