"""Days, hours and time zones as people say them."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date

_NAMES = {
    "Asia/Jakarta": "WIB",
    "Asia/Pontianak": "WIB",
    "Asia/Makassar": "WITA",
    "Asia/Ujung_Pandang": "WITA",
    "Asia/Jayapura": "WIT",
}


@cache
def zone(iana: str) -> ZoneInfo:
    """The zone of an IANA name."""
    return ZoneInfo(iana)


@cache
def zone_name(iana: str) -> str:
    """WIB, WITA or WIT for a zone of Indonesia (which knows no summer time), else its offset, e.g. UTC+05:30."""
    if iana in _NAMES:
        return _NAMES[iana]
    offset = datetime(2021, 1, 13, tzinfo=zone(iana)).utcoffset()
    seconds = 0 if offset is None else int(offset.total_seconds())
    sign, minutes = ("-", -seconds // 60) if seconds < 0 else ("+", seconds // 60)
    return f"UTC{sign}{minutes // 60:02d}:{minutes % 60:02d}"


@lru_cache(maxsize=1024)
def day_text(day: date, language: str) -> str:
    """A day as it is spoken: "Rab 13 Jan" (id), "Wed 13 Jan" (en)."""
    return format_date(day, "EEE d MMM", locale=language)


def clock_text(moment: datetime | time, language: str) -> str:
    """An hour: "08.00" (id), "08:00" (en)."""
    return f"{moment.hour:02}{_mark(language)}{moment.minute:02}"


def hours_text(start: time, end: time, language: str) -> str:
    """Hours of a session: "08.00-10.00" (id), "08:00-10:00" (en)."""
    return f"{clock_text(start, language)}-{clock_text(end, language)}"


def _mark(language: str) -> str:
    return "." if language == "id" else ":"
