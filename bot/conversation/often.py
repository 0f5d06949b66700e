"""How often one phone may come: counted in its conversation's record, which is loaded and saved anyway.

Each turn costs its phone some seconds, which pass by themselves. So a person never notices, and a phone that plays with us,
or an autoresponder with which we would talk for ever, comes to an end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.conversation.store import Record

#: Seconds that a turn costs, by USSD and by SMS, which is answered by another and so costs money.
USSD_COST, SMS_COST = 5, 60


@dataclass(frozen=True, slots=True)
class Often:
    """``turns``: USSD turns that a phone may have at a stretch, 0 for any number."""

    turns: int = 0

    def is_too_often(self, record: Record | None, now: float) -> bool:
        """Whether the phone has used up its turns."""
        return bool(self.turns) and record is not None and record.paid_until > now + self.turns * USSD_COST

    def paid(self, record: Record | None, now: float, cost: int) -> int:
        """Up to when the phone has used up its turns, with this one."""
        # Whole seconds: a float costs a hop twice as much to write.
        before = int(now)
        return (before if record is None else max(before, record.paid_until)) + cost


#: For whoever counts nothing.
UNLIMITED: Final = Often()
