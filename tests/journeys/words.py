"""What a screen or an SMS is, told from its words alone, in both languages."""

from __future__ import annotations

import enum
import re

from bot.conversation.driver import BUSY
from flows import identity, slots
from flows.memory import Campaign
from flows.moved_sms import MOVED_SMS
from flows.registration import catalogs, registration

CAMPAIGN = Campaign("*119#", "119", (18, 59))
FLOW = registration(CAMPAIGN)
_CATALOGS = catalogs()
#: A ticket, where one stands.
TICKET = re.compile(r"(?:Tiket|Ticket|Tiket baru|New ticket) ([2-9AC-HJ-NP-RT-Y]{6})\b")


class Kind(enum.Enum):
    """What is told."""

    WRONG = "the birth date is wrong"
    WRONG_PAIR = "NIK and birth date are wrong"
    LOCKED = "too many wrong answers"
    BARRED = "not before 24 hours are over"
    TICKET = "registered"
    BOOKED = "what is booked"
    CANCELLED = "cancelled"
    CLOSED = "registration is over"
    BUSY = "the system is busy"


def _said(state: str) -> str:
    said = FLOW.by_name[state].say
    assert isinstance(said, str)
    return said


_MESSAGES: dict[Kind, tuple[str, ...]] = {
    Kind.WRONG: (identity.BIRTH_DATE_WRONG,),
    Kind.WRONG_PAIR: (identity.PAIR_WRONG,),
    Kind.LOCKED: (_said("locked"),),
    Kind.BARRED: (_said("barred"),),
    Kind.TICKET: (slots.TICKET_ON_SCREEN, slots.TICKET_BY_SMS, slots.TICKET_SMS, MOVED_SMS),
    Kind.BOOKED: (_said("booked"),),
    Kind.CANCELLED: (_said("cancelled"),),
    Kind.CLOSED: (_said("closed"),),
    Kind.BUSY: (BUSY,),
}


def _pattern(message: str) -> re.Pattern[str]:
    told = [re.sub(r"\\{\w+\\}", ".+?", re.escape(_CATALOGS.translate(message, each))) for each in ("id", "en")]
    return re.compile("|".join(told), re.DOTALL)


_PATTERNS = {kind: [_pattern(message) for message in messages] for kind, messages in _MESSAGES.items()}


def kinds(told: str) -> set[Kind]:
    """What a text tells."""
    return {kind for kind, patterns in _PATTERNS.items() if any(pattern.search(told) for pattern in patterns)}
