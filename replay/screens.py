"""What a screen or a text asks, read by its words: callers know no more of the service than that."""

from __future__ import annotations

import re
from typing import Final

from bot.conversation.catalog import pieces
from flows.registration import catalogs

#: States by what they are called in the flows, each with how its words begin in the code; ``booked`` has words of its own.
_WORDS: Final = {
    "nik": ("Health worker vaccination (privacy: SMS DATA). This number is not listed", "A NIK has 16 digits"),
    "nik_of_family": ("More than one person on our list has this number",),
    "birth_date_after_nik": ("Now type your birth date", "This NIK and birth date do not match"),
    "birth_date": (
        "Health worker vaccination (privacy: SMS DATA). {masked_name}",
        "Health worker vaccination (privacy: SMS DATA). Type your",
        "This birth date does not match",
        "That is not a date",
        "There is no such date",
    ),
    "confirm": ("{name}\n{district}",),
    "screening": ("Any of these: pregnant",),
    "which": ("Which one?",),
    "deferred_before": ("Your vaccination was deferred by your earlier",),
    "offer": ("Your place: {place}",),
    "next_offer": ("Just taken. Next",),
    "places": ("Choose a place:",),
    "times": ("Times ({zone})",),
    "no_times": ("This place has no free times",),
    "session_full": ("This time was just taken",),
    "cancel_sure": ("Cancel {place}",),
    "cancelled": ("Your booking is cancelled",),
    "ticket": ("Booked: {place}",),
    "deferred": ("Your vaccination is deferred for your safety",),
    "age_outside": ("For now only ages",),
    "locked": ("Too many wrong answers",),
    "not_me_kept": ("Thank you. We will check this number",),
    "enquiry_kept": ("Your data is kept for your district",),
    "too_many_people": ("This number has been used for many",),
    "barred": ("This booking belongs to the number",),
    "no_place": ("All places in your district",),
    "closed": ("Registration is closed",),
    "stopped": ("You will get no more invitations",),
    "busy": ("Sorry, the system is busy",),
    "claim": ("The number {stranger} uses your data",),
    "booked": ("{place}, {day} {hours} {zone}. Ticket {ticket}",),
}

#: Of these nothing more comes: the session is over.
ENDS: Final = frozenset(
    {
        *("cancelled", "ticket", "deferred", "age_outside", "locked", "not_me_kept", "enquiry_kept"),
        *("too_many_people", "barred", "no_place", "closed", "stopped", "busy"),
    }
)
#: The texts that are no answers to what somebody typed.
NOTICES: Final = frozenset({"claim"})
UNHEARD: Final = "?"


def _patterns() -> list[tuple[str, str, re.Pattern[str]]]:
    """(Longest piece of a wording that is always the same, state, the whole wording): the piece is looked for first."""
    # Everybody on the roster speaks Indonesian until they choose otherwise, and here nobody does.
    words = catalogs().messages["id"]
    found = []
    for state, beginnings in _WORDS.items():
        spoken = [each for message, each in words.items() if message.startswith(beginnings)]
        if len(spoken) < len(beginnings):
            raise LookupError(f"the words of {state!r} are not in the catalog any more")
        for each in map(list, map(pieces, spoken)):
            pattern = "".join(re.escape(text) + ("" if name is None else ".+?") for text, name in each)
            found.append((max((text for text, _ in each), key=len), state, re.compile(pattern, re.DOTALL)))
    return found


_PATTERNS: Final = _patterns()


def state_of(text: str) -> str:
    """The state that a screen or a text belongs to; ``UNHEARD`` for words that are none of ours."""
    return next((state for piece, state, pattern in _PATTERNS if piece in text and pattern.search(text)), UNHEARD)
