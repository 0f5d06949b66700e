"""What the first page says in words: its headline, the forecast, today against yesterday, the steps of the way."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.daytime import zone_name
from bot.evaluation.counts import Counts
from bot.evaluation.forecast import Forecast
from bot.evaluation.outlook import Days, Outlook
from bot.web.admin.formats import clock, day, number, share
from bot.web.admin.words import mark, say

_ = mark

#: What the steps of the funnel are called.
STEPS: Final = {
    "target": _("On the roster"),
    "with_phone": _("Has a phone"),
    "invited": _("Message accepted"),
    "delivered": _("Message delivered"),
    "started": _("Answered"),
    "verified": _("Identity confirmed"),
    "screened": _("Screened"),
    "registered": _("Booked"),
    "attended": _("Attended"),
}
#: Parts of a district that are no facility of it, as ``bot.evaluation.standing`` names them.
PARTS: Final = (_("Without a facility"), _("At a facility of another district"))


def headline(counts: Counts, outlook: Outlook, zone: ZoneInfo) -> tuple[str, str]:
    """The headline in two parts of one sentence: what stands out, and the rest."""
    registered, target = number(counts.registered), number(counts.target)
    if counts.registered:
        lead = say(
            "{registered} of {target} registered ({share})",
            registered=registered,
            target=target,
            share=share(counts.registered, counts.target),
        )
    elif outlook.is_closed:
        lead = say("Nobody of {target} registered", target=target)
    else:
        lead = say("Nobody of {target} has registered yet", target=target)
    rest = say(", as of {time}", time=clock(outlook.as_of, zone))
    # A percentage is not broken.
    return lead.replace(" %", "\u00a0%"), rest + _ending(outlook, zone) + "."


def _ending(outlook: Outlook, zone: ZoneInfo) -> str:
    end = outlook.closes_at
    if end is None:
        return say("; no end is set")
    when = closing_time(end, outlook.as_of, zone)
    if outlook.is_closed:
        return say("; closed at {time}", time=when)
    closing = say("; closes at {time}", time=when)
    if outlook.forecast is None:
        return closing
    told = rounded(outlook.forecast)
    return closing + say(
        "; expected {expected}, between {low} and {high}",
        expected=number(told.expected),
        low=number(told.low),
        high=number(told.high),
    )


def closing_time(end: datetime, as_of: datetime, zone: ZoneInfo) -> str:
    """When registration ends: the hour if it is today ("24.00 WIB"), else with its day. Midnight ends the day before."""
    here, today = end.astimezone(zone), as_of.astimezone(zone).date()
    midnight = (here.hour, here.minute) == (0, 0)
    its_day = here.date() - timedelta(days=1) if midnight else here.date()
    hour = f"24.00 {zone_name(zone.key)}" if midnight else clock(end, zone)
    return hour if its_day == today else f"{day(its_day)} {hour}"


def rounded(told: Forecast) -> Forecast:
    """A forecast without digits that it cannot know: to about a tenth of its width, outward at the ends."""
    unit = 10 ** max(0, math.floor(math.log10(max(1, told.high - told.low))) - 1)
    low, high = told.low // unit * unit, -(-told.high // unit) * unit
    return Forecast(round(told.expected / unit) * unit, low, high) if unit > 1 else told


def forecast_said(outlook: Outlook) -> str:
    """How the forecast is made, or why there is none; nothing where registration is over."""
    if outlook.forecast is not None:
        return say(
            "The forecast carries the pace of the last hours on to the end, with fewer at night and more just before the end, "
            "as usual; how far such forecasts were off earlier in this campaign gives the low and the high, and the true "
            "end lies between them four times in five."
        )
    if outlook.is_closed:
        return ""
    if outlook.closes_at is None:
        return say("There is no forecast, because no end of registration is set.")
    if outlook.closes_at - outlook.as_of > timedelta(hours=72):
        return say("The forecast begins three days before registration closes.")
    return say("The forecast begins when there are two hours of registrations, and at least 30.")


def days_said(days: Days, as_of: datetime, zone: ZoneInfo) -> str:
    """Today against yesterday, up to the same time."""
    said = say(
        "Today until {time}: {today}. Yesterday until then: {yesterday}",
        time=clock(as_of, zone),
        today=number(days.so_far),
        yesterday=number(days.by_then),
    )
    if days.by_then <= 0:
        return said + "."
    change = round(100 * (days.so_far - days.by_then) / days.by_then)
    return f"{said} ({'+' if change > 0 else '−' if change < 0 else '±'}{number(abs(change))} %)."
