"""What the registration flow remembers between two screens, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time

from bot.conversation.change import changed
from bot.daytime import clock_text, day_text, hours_text, zone, zone_name
from bot.registration.acts import KnownCaller, Locked, Person, Proven, Slot

INDONESIAN, ENGLISH = "id", "en"


@dataclass(frozen=True)
class Memory:
    """Small, and without birth dates or NIKs in the clear: ``nik`` and ``birth_date`` never outlive a turn."""

    language: str = INDONESIAN
    chose_language: bool = False
    masked_name: str = ""
    several: bool = False
    left: int = 0
    nik: str = ""
    birth_date: str = ""
    sealed_nik: str = ""
    until: str = ""
    #: Who has to prove themselves, under seal, until they have.
    expected: str = ""
    worker_id: int = 0
    #: Whose number it is by the roster, proven or not: for notes alone.
    roster_id: int = 0
    name: str = ""
    district_code: str = ""
    district: str = ""
    access: str = ""
    confirmed: bool = False
    fit: bool = False
    screened_out: bool = False
    age_fits: bool = True
    closed: bool = False
    booked: bool = False
    condition: str = ""
    search: str = ""
    booking_id: int = 0
    place_id: int = 0
    place: str = ""
    day: str = ""
    start: str = ""
    end: str = ""
    time_zone: str = "Asia/Jakarta"
    ticket: str = ""
    by_sms: bool = False
    chosen_place: int = 0
    chosen_session: int = 0
    intent: str = ""


@dataclass(frozen=True, slots=True)
class Campaign:
    """What the words of the flow need to know of the campaign."""

    ussd_code: str
    call_centre: str
    ages: tuple[int, int]


def showing(campaign: Campaign) -> Mapping[str, Callable[[Memory], str]]:
    """How each placeholder of the messages is shown."""
    return {
        "masked_name": lambda m: m.masked_name,
        "name": lambda m: m.name,
        "district": lambda m: m.district,
        "left": lambda m: str(m.left),
        "until": lambda m: m.until,
        "place": lambda m: m.place,
        "day": lambda m: day_text(date.fromisoformat(m.day), m.language),
        "hours": lambda m: hours_text(time.fromisoformat(m.start), time.fromisoformat(m.end), m.language),
        "zone": lambda m: zone_name(m.time_zone),
        "ticket": lambda m: m.ticket,
        "ussd_code": lambda _: campaign.ussd_code,
        "call_centre": lambda _: campaign.call_centre,
        "youngest": lambda _: str(campaign.ages[0]),
        "oldest": lambda _: str(campaign.ages[1]),
    }


#: What may be shortened so that a screen fits.
ELASTIC = frozenset({"masked_name", "name", "district", "place"})


def who(m: Memory) -> int:
    """Who is talking, as far as is known: whoever has proved it, else whose number it is."""
    return m.worker_id or m.roster_id


def is_proven(m: Memory) -> bool:
    """Whether whoever is talking has proved who they are."""
    return m.worker_id > 0


def other_language(m: Memory) -> str:
    """The language that is not spoken now."""
    return ENGLISH if m.language == INDONESIAN else INDONESIAN


def switch_language(m: Memory) -> Memory:
    """The same in the other language."""
    return changed(m, language=other_language(m), chose_language=True)


def keep_known(m: Memory, known: KnownCaller) -> Memory:
    """What the roster says of the number that calls."""
    return changed(
        m,
        masked_name=known.masked_name,
        several=known.several,
        language=m.language if m.chose_language else known.language,
        left=0,
        roster_id=known.worker_id,
        expected=known.expected,
    )


def forget_expected(m: Memory, _outcome: object) -> Memory:
    """The same, without who was expected: it was somebody else, or nobody knows who."""
    return changed(m, expected="")


def keep_lock(m: Memory, lock: Locked) -> Memory:
    """Until when the caller is locked out, as it is told."""
    local = lock.until.astimezone(zone(lock.time_zone))
    return changed(m, expected="", until=f"{clock_text(local, m.language)} {zone_name(lock.time_zone)}")


def keep_slot(m: Memory, slot: Slot) -> Memory:
    """A place that is offered or taken."""
    return changed(
        m,
        booking_id=slot.booking_id,
        place_id=slot.facility_id,
        place=slot.facility,
        day=slot.day.isoformat(),
        start=slot.start.isoformat("minutes"),
        end=slot.end.isoformat("minutes"),
        time_zone=slot.time_zone,
        ticket=slot.ticket or "",
    )


def keep_proven(m: Memory, proven: Proven) -> Memory:
    """Everything the conversation needs to know of a worker who proved who they are."""
    person: Person = proven.person
    m = changed(
        m,
        language=m.language if m.chose_language else person.language,
        left=0,
        sealed_nik="",
        expected="",
        worker_id=person.worker_id,
        name=person.name,
        district_code=person.district_code,
        district=person.district,
        access=str(person.access),
        confirmed=person.confirmed,
        fit=person.fit,
        screened_out=person.screened_out,
        age_fits=person.age_fits,
        closed=person.closed,
        booked=person.booked is not None,
        condition="",
    )
    return keep_slot(m, person.booked) if person.booked is not None else m
