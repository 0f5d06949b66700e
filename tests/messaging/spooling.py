"""Letters, and a spool to put them into."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from bot.crypto import Vault
from bot.messaging.letters import Letter
from bot.messaging.spool import Spool
from gateway_adapters.base import InboundSms
from tests.world import DATA_KEY, MORNING

PHONE, OTHER = "+6281200000001", "+6281200000002"
GATEWAY = "africastalking"


def spool_in(folder: Path, most: int = 6400) -> Spool:
    return Spool(folder, Vault(DATA_KEY), most)


def sms(message: str, text: str = "halo", phone: str = PHONE, *, after: float = 0.0) -> Letter:
    """A text that came ``after`` seconds."""
    return Letter(GATEWAY, InboundSms(phone, message, text, "1199", None), later(after))


def later(seconds: float) -> datetime:
    return MORNING + timedelta(seconds=seconds)


def texts(spool: Spool, phone: str = PHONE) -> list[str]:
    """What waits of a phone, in order."""
    letters = [spool.read(entry) for entry in spool.entries()]
    return [
        letter.event.text for letter in letters if isinstance(letter.event, InboundSms) and letter.event.phone == phone
    ]
