"""The SMS to those whose session is cancelled: their new place, or that there is none and that they will be called."""

from __future__ import annotations

from bot.conversation.catalog import mark as _
from bot.conversation.screens import ONE_SMS, Screens
from bot.registration.acts import Slot
from flows.memory import Campaign, Memory, keep_slot
from flows.registration import catalogs, registration

MOVED_SMS = _(
    "Session cancelled. Your new place: {place}, {day} {hours} {zone}. New ticket {code}. Bring your ID card. "
    "Change or cancel: {ussd_code}"
)
NO_PLACE_SMS = _(
    "Your session at {place}, {day} {hours}, is cancelled. No other place is free. We will call you. "
    "Questions: {call_centre}"
)


class MovedSms:
    """Says a place in one SMS: the new one, ``{code}`` standing for its ticket, or the old one that is no more."""

    def __init__(self, campaign: Campaign) -> None:
        self._screens = Screens(registration(campaign), catalogs(), ONE_SMS)

    def moved(self, slot: Slot, language: str) -> str:
        """For whom there is another place."""
        return self._screens.sms(MOVED_SMS, keep_slot(Memory(language=language), slot))

    def no_place(self, slot: Slot, language: str) -> str:
        """For whom there is none; ``slot``: the place that they had."""
        return self._screens.sms(NO_PLACE_SMS, keep_slot(Memory(language=language), slot))
