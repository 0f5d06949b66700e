"""What a conversation may ask of the registry and what may come of it: plain values, no I/O.

Each act is carried out as one transaction (``bot.registration.desk``) and is safe to carry out twice.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime, time


class Access(enum.StrEnum):
    """What a proven caller may do."""

    FULL = "full"
    #: A strange number that may book, since nothing is booked yet.
    BOOK = "book"
    #: A strange number of a worker who has a booking: it waits for the roster's number or an officer.
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Slot:
    """A place at a session, as it is shown: in the district's own time."""

    booking_id: int
    facility_id: int
    facility: str
    day: date
    start: time
    end: time
    time_zone: str
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A worker whose identity is proven, as far as the conversation needs to know them."""

    worker_id: int
    name: str
    district_code: str
    district: str
    facility_id: int | None
    language: str
    access: Access
    confirmed: bool
    screened_out: bool
    fit: bool
    age_fits: bool
    booked: Slot | None
    closed: bool


# --- acts --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GreetCaller:
    """Who is on the roster under the caller's number?"""


@dataclass(frozen=True, slots=True)
class SealNik:
    """Put a typed NIK under seal, so that no conversation keeps it in the clear. No I/O."""

    nik: str


@dataclass(frozen=True, slots=True)
class ProveByPhone:
    """Prove the caller by the birth date of somebody with this number. ``expected``: what the greeting gave."""

    birth_date: str
    expected: str = ""


@dataclass(frozen=True, slots=True)
class ProveByNik:
    """Prove the caller by NIK (sealed) and birth date.

    ``notices``: (language, text) of what the roster's number is told, ``{stranger}`` standing for the strange number.
    """

    sealed_nik: str
    birth_date: str
    notices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LeaveEnquiry:
    """Keep the data of somebody who is not found, for the district office."""

    sealed_nik: str


@dataclass(frozen=True, slots=True)
class ReportNotMe:
    """The number on the roster belongs to somebody else."""

    worker_id: int


@dataclass(frozen=True, slots=True)
class SetDomicile:
    """The worker lives in another district than the roster says."""

    worker_id: int
    district_code: str


@dataclass(frozen=True, slots=True)
class Defer:
    """The screening speaks against a vaccination now; ``answer`` is kept sealed."""

    worker_id: int
    answer: str


@dataclass(frozen=True, slots=True)
class OfferSlot:
    """Hold the nearest place. ``fit``: the screening was passed just now."""

    worker_id: int
    fit: bool


@dataclass(frozen=True, slots=True)
class HoldSlot:
    """Hold a place at the session that was chosen."""

    worker_id: int
    session_id: int


@dataclass(frozen=True, slots=True)
class TakeSlot:
    """Confirm a held place. ``sms`` is the ticket's message, ``{code}`` standing for the ticket."""

    worker_id: int
    booking_id: int
    language: str
    sms: str


@dataclass(frozen=True, slots=True)
class ListDistricts:
    """Districts whose name holds ``search``, from ``offset``."""

    search: str
    offset: int


@dataclass(frozen=True, slots=True)
class ListFacilities:
    """Facilities of a district that have places left, narrowed by ``search``, from ``offset``."""

    worker_id: int
    search: str
    offset: int


@dataclass(frozen=True, slots=True)
class ListTimes:
    """Sessions of a facility that have places left, from ``offset``, labelled in ``language``."""

    worker_id: int
    facility_id: int
    language: str
    offset: int


@dataclass(frozen=True, slots=True)
class CancelBooking:
    """Give a confirmed place back."""

    worker_id: int


@dataclass(frozen=True, slots=True)
class SendTicket:
    """Send the ticket once more by SMS."""

    worker_id: int
    booking_id: int
    language: str
    sms: str


@dataclass(frozen=True, slots=True)
class SetLanguage:
    """The language that the caller's messages shall have. ``worker_id`` 0: not known yet."""

    worker_id: int
    language: str


@dataclass(frozen=True, slots=True)
class OptOut:
    """Send the caller's number nothing any more but answers and notices about its own booking."""


@dataclass(frozen=True, slots=True)
class OptIn:
    """Take the caller's number off the register of those who opted out."""


@dataclass(frozen=True, slots=True)
class ObjectToClaim:
    """The roster's number objects to a strange one (TOLAK)."""


# --- what comes of them ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """The number is on the roster; ``several``: of more than one worker, so no name may be shown.

    ``worker_id``: whose it is, which proves nothing yet; 0 if of several. ``expected``: what is known of them, under seal
    (``bot.registration.expected``); "" where that is to be looked up again.
    """

    masked_name: str
    several: bool
    language: str
    wrong: int
    worker_id: int = 0
    expected: str = ""


@dataclass(frozen=True, slots=True)
class StrangeCaller:
    """The number is not on the roster."""

    wrong: int


@dataclass(frozen=True, slots=True)
class Locked:
    """Too many wrong answers: ``until`` when, and the time zone to tell it in."""

    until: datetime
    time_zone: str


@dataclass(frozen=True, slots=True)
class TooManyPeople:
    """The number has spoken for as many people as a strange number may."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Registration is over."""


@dataclass(frozen=True, slots=True)
class NikSealed:
    """The NIK under seal, as text."""

    sealed: str


@dataclass(frozen=True, slots=True)
class Proven:
    """The caller is who they say."""

    person: Person


@dataclass(frozen=True, slots=True)
class Wrong:
    """What was said fits nobody (or nobody else than others): ``left`` tries before the lock."""

    left: int


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several workers share the number and the birth date."""


@dataclass(frozen=True, slots=True)
class Done:
    """It is done."""


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """There was nothing to do."""


@dataclass(frozen=True, slots=True)
class TooLate:
    """It would have had to be said earlier: only an officer can undo it now."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The domicile is set."""

    district_code: str
    district: str


@dataclass(frozen=True, slots=True)
class Offered:
    """A place is held for some minutes."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class SlotLost:
    """The place that was wanted is gone; the next one is held."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class NoPlace:
    """There is no place left where the worker could go."""


@dataclass(frozen=True, slots=True)
class SessionFull:
    """The chosen session has no place left."""


@dataclass(frozen=True, slots=True)
class AgeOutside:
    """The worker's age is outside the limits on every day that could be offered."""


@dataclass(frozen=True, slots=True)
class Ticketed:
    """The place is the worker's. ``by_sms``: this answer is the ticket SMS itself."""

    slot: Slot
    by_sms: bool


@dataclass(frozen=True, slots=True)
class AlreadyBooked:
    """The worker has a confirmed place already."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class Barred:
    """The number may not act for this worker (any more)."""


@dataclass(frozen=True, slots=True)
class LanguageSet:
    """The language from now on."""

    language: str
