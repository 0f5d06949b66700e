"""The SMS with a ticket, for whoever books without a conversation."""

from __future__ import annotations

from bot.conversation.screens import ONE_SMS, Screens
from bot.registration.acts import Slot
from flows.memory import Campaign, Memory, keep_slot
from flows.registration import catalogs, registration
from flows.slots import TICKET_SMS


class TicketSms:
    """Says a place in one SMS, ``{code}`` standing for the ticket."""

    def __init__(self, campaign: Campaign) -> None:
        self._screens = Screens(registration(campaign), catalogs(), ONE_SMS)

    def __call__(self, slot: Slot, language: str) -> str:
        return self._screens.sms(TICKET_SMS, keep_slot(Memory(language=language), slot))
