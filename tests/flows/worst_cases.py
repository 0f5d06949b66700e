"""The longest of everything that a screen may have to show."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from bot.config import LONGEST_CALL_CENTRE, LONGEST_USSD_CODE
from bot.registration.importing import districts, facilities, roster
from bot.text import mask_name
from flows.memory import Campaign, Memory

#: The longest code and number that the settings take, and the widest ages.
CAMPAIGN = Campaign("*119*123456#", "119 ext 9/10/11", (18, 110))
assert len(CAMPAIGN.ussd_code) == LONGEST_USSD_CODE
assert len(CAMPAIGN.call_centre) == LONGEST_CALL_CENTRE

_DISTRICTS = Path(districts.__file__).parents[1] / "districts.csv"


@dataclass(frozen=True)
class Names:
    """What a worker, a district and a facility may be called, at the lengths that importers take."""

    person: str
    district: str
    facility: str


def longest_district() -> str:
    """The longest name of the campaign's districts."""
    with _DISTRICTS.open(newline="", encoding="utf-8") as file:
        return max((row["name"] for row in csv.DictReader(file)), key=len)


def _filled(text: str, length: int) -> str:
    return (text * length)[:length].strip()


def _names(person: str, district: str, facility: str) -> Names:
    return Names(
        _filled(person, roster.LONGEST_NAME),
        _filled(district, districts.LONGEST_NAME),
        _filled(facility, facilities.LONGEST_NAME),
    )


NAMES = (
    Names("Siti Wulandari", longest_district(), "Puskesmas Melati"),
    _names("Raden Ajeng Nurhalizawati ", "Kabupaten Kepulauan Selatan ", "Rumah Sakit Umum Daerah Dr. Wahidin "),
    # one word without an end, wide characters, characters of two septets, characters that no phone has
    _names("W", "M", "Q"),
    _names("{[]}~^", "\\|{}[", "~^{}|"),
    _names("Żółć Łukaszewicz-", "Ÿąşę ", "健康センター"),
    _names("😀 ", "Ĳ", "“Kasih Ibu” – "),
    _names("A. ", "B, ", "IX "),
)

#: Zones of Indonesia, and one whose name is an offset.
WITA, OFFSET = "Asia/Makassar", "Asia/Kolkata"


def memories(language: str, names: Names, zone: str) -> Iterator[Memory]:
    """A worker with everything at its longest, in every combination of what the flow asks its memory."""
    worst = Memory(
        language=language,
        masked_name=mask_name(names.person),
        sealed_nik="f" * 88,
        until=f"23.59 {'WITA' if zone == WITA else 'UTC+05:30'}",
        worker_id=10**9,
        name=names.person,
        district_code="3171",
        district=names.district,
        booking_id=10**9,
        place_id=10**9,
        place=names.facility,
        day="2021-11-28",
        start="08:00",
        end="10:00",
        time_zone=zone,
        ticket="W7XQ3M",
    )
    no_yes = (False, True)
    for left, several, booked, closed, by_sms in product((0, 4), no_yes, no_yes, no_yes, no_yes):
        yield replace(worst, left=left, several=several, booked=booked, closed=closed, by_sms=by_sms)
