"""Whether the next replies are claimed at once, or a moment later and together.

To claim, submit and settle costs nearly the same for one reply as for ten. Where they keep coming one after another, claims
are a tenth of a second apart: nobody notices that of an SMS, and it leaves the database to those who dial. A reply that comes
alone, and replies of which more wait than one claim takes, are claimed at once.
"""

from __future__ import annotations

import math
import time
from typing import Final

#: Seconds between two claims, and how many replies must have come within about a second.
APART: Final = 0.1
MANY: Final = 20.0


class Together:
    """What one sender has claimed of late."""

    def __init__(self) -> None:
        self._lately = 0.0
        self._at = -math.inf
        self._more_wait = False

    def claimed(self, count: int, *, most: int) -> None:
        """So many have just been claimed, of at most so many."""
        now = time.monotonic()
        self._lately = self._lately * math.exp(self._at - now) + count
        self._at = now
        self._more_wait = count == most

    def wait(self) -> float:
        """Seconds until the next claim; 0: at once."""
        if self._more_wait or self._lately < MANY:
            return 0.0
        return max(0.0, self._at + APART - time.monotonic())
