"""How numbers, shares and times are written for the reader: in their language, and in a zone with its name."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from bot.daytime import day_text, zone_name
from bot.phone import mask_phone
from bot.web.admin.words import language, say

#: What English writes, as others write it.
_SEPARATORS: Final = {"id": str.maketrans(",.", ".,")}


def number(value: float | Decimal | None, places: int = 0) -> str:
    """A number with the separators of the reader's language; a dash for none."""
    if value is None:
        return "–"
    # Not by Babel, which takes longer than all the rest of a page with a thousand numbers.
    return f"{round(value, places):,.{places}f}".translate(_SEPARATORS.get(language(), {}))


def share(part: float | None, whole: float | None, places: int = 1) -> str:
    """A part of a whole in percent; a dash where there is no whole."""
    if part is None or not whole:
        return "–"
    return f"{number(100 * part / whole, places)} %"


def clock(moment: datetime | None, zone: ZoneInfo) -> str:
    """The time of a day with its zone: "18.30 WIB"."""
    if moment is None:
        return "–"
    here = moment.astimezone(zone)
    return f"{here:%H.%M} {zone_name(zone.key)}"


def instant(moment: datetime | None, zone: ZoneInfo) -> str:
    """A day and time with its zone: "Rab 13 Jan 18.30 WIB"."""
    if moment is None:
        return "–"
    here = moment.astimezone(zone)
    return f"{day(here.date())} {here:%H.%M} {zone_name(zone.key)}"


def day(value: date | None) -> str:
    """A day: "Rab 13 Jan"."""
    return "–" if value is None else day_text(value, language())


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago something was, in words."""
    if moment is None:
        return say("never")
    span = max(now - moment, timedelta())
    seconds = int(span.total_seconds())
    if seconds < 60:
        return say("{n} s ago", n=seconds)
    if seconds < 3600:
        return say("{n} min ago", n=seconds // 60)
    if seconds < 86400:
        return say("{n} h ago", n=seconds // 3600)
    return say("{n} days ago", n=seconds // 86400)


def duration(seconds: float | None) -> str:
    """A span of time in words."""
    if seconds is None:
        return "–"
    if seconds < 90:
        return say("{n} s", n=round(seconds))
    if seconds < 5400:
        return say("{n} min", n=round(seconds / 60))
    return say("{n} h", n=number(seconds / 3600, 1))


def iso(moment: datetime | None) -> str:
    """A moment as machines read it, UTC."""
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")


#: What templates call these by.
FILTERS = {
    "number": number,
    "share": share,
    "clock": clock,
    "instant": instant,
    "day": day,
    "ago": ago,
    "duration": duration,
    "iso": iso,
    "mask_phone": mask_phone,
}
