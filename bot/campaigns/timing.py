"""How long a campaign takes at its rate, within the hours at which messages may leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.campaigns.hours import is_open, next_opening
from bot.config import SendingWindow
from bot.daytime import zone

#: Openings and closings that are looked at: two years of them. What takes longer has no end worth telling.
_MOST_TURNS = 4000
_ALMOST_NONE = 1e-6


@dataclass(frozen=True, slots=True)
class ZoneTime:
    """When the messages of a time zone leave; ``ends_at``: None where nobody can tell."""

    time_zone: str
    messages: int
    starts_at: datetime
    ends_at: datetime | None


def expected(
    messages: Mapping[str, int], start: datetime, rate: float | None, window: SendingWindow | None
) -> list[ZoneTime]:
    """When each zone's messages leave, from ``start`` on. ``window``: None for a campaign that passes it."""
    ends = {} if rate is None else _ends(messages, start, rate, window)
    return [
        ZoneTime(name, many, _opening(window, name, start), ends.get(name)) for name, many in sorted(messages.items())
    ]


def _opening(window: SendingWindow | None, name: str, now: datetime) -> datetime:
    return now if window is None else next_opening(window, zone(name), now)


def _ends(
    messages: Mapping[str, int], start: datetime, rate: float, window: SendingWindow | None
) -> dict[str, datetime]:
    """Zones that are open share the rate evenly, as their attempts stand in turns in the queue."""
    left = {name: float(many) for name, many in messages.items() if many}
    ends: dict[str, datetime] = {}
    now = start
    for _turn in range(_MOST_TURNS):
        if not left:
            break
        going = [name for name in left if _opening(window, name, now) == now]
        changes = [_change(window, zone(name), now) for name in left] if window is not None else []
        if not going:
            now = min(changes)
            continue
        each = rate / len(going)
        seconds = min(left[name] for name in going) / each
        if changes:
            seconds = min(seconds, (min(changes) - now).total_seconds())
        if seconds > timedelta(days=3650).total_seconds():
            break
        now += timedelta(seconds=seconds)
        for name in going:
            left[name] -= seconds * each
            if left[name] < _ALMOST_NONE:
                del left[name]
                ends[name] = now
    return ends


def _change(window: SendingWindow, here: ZoneInfo, now: datetime) -> datetime:
    """When the window opens or closes next."""
    if not is_open(window, here, now):
        return next_opening(window, here, now)
    local = now.astimezone(here)
    closing = local.replace(hour=window.closes.hour, minute=window.closes.minute, second=0, microsecond=0)
    return closing if closing > local else closing + timedelta(days=1)
