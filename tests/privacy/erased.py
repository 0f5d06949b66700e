"""Somebody is erased, by an officer of the ministry."""

from __future__ import annotations

from bot.conversation.store import Store
from bot.privacy import erasing, person
from bot.registration.officer import Officer
from bot.services import Services
from tests.privacy.traces import OFFICER, WHY


def erase(services: Services, who: person.Who, officer: Officer = OFFICER, why: str = WHY) -> erasing.Erased:
    store = Store(services.conversations)
    return erasing.erase(services.database, services.vault, store, who, why, officer, services.clock.now())
