"""Keys of personal data, one following the other, and the turn from one to the next."""

from __future__ import annotations

import base64
from typing import Any

from bot.crypto import Vault
from bot.privacy import rekeying
from bot.services import Services
from tests.world import DATA_KEY, MORNING

OLD = DATA_KEY
NEW = base64.urlsafe_b64encode(b"the key that follows the old one").decode()
#: What stands in ``DATA_KEY`` before, when both can be read, when the new one seals, and afterwards.
BEFORE, READABLE, INSTEAD, AFTER = OLD, f"{OLD},{NEW}", f"{NEW},{OLD}", NEW


def rotate(services: Services, keys: str = INSTEAD, **more: Any) -> dict[str, int]:
    return rekeying.rotate(services.database, Vault(keys), lambda: MORNING, "tests", lambda *_: None, **more)
