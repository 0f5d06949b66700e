"""The hours at which blasts and reminders may leave, in the recipients' own time."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.config import SendingWindow


def is_open(window: SendingWindow, zone: ZoneInfo, now: datetime) -> bool:
    """Whether messages may leave now for people in ``zone``."""
    local = now.astimezone(zone).time()
    if window.opens <= window.closes:
        return window.opens <= local < window.closes
    return local >= window.opens or local < window.closes


def next_opening(window: SendingWindow, zone: ZoneInfo, now: datetime) -> datetime:
    """``now`` if messages may leave, else when they may next."""
    if is_open(window, zone, now):
        return now
    local = now.astimezone(zone)
    opening = local.replace(hour=window.opens.hour, minute=window.opens.minute, second=0, microsecond=0)
    return opening if opening > local else opening + timedelta(days=1)
