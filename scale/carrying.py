"""The operator's requests, which go to one web host after the other."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from faults.carrier import Carrier
from faults.journal import Journal
from scale.stage import Stage

#: Good answers in a row after which a web process has all its connections; seconds that this may take.
_WARM, _WARMS_WITHIN = 5, 60.0
_STRANGER: Final = "+6289900000"


@dataclass
class SpreadCarrier(Carrier):
    """An operator whose requests go to any of the web processes, as a balancer would spread them."""

    places: Sequence[tuple[str, int]] = ()
    _turn: random.Random = field(default_factory=random.Random)

    def place(self) -> tuple[str, int]:
        return self._turn.choice(self.places)


def warm_up(stage: Stage) -> None:
    """Have strangers dial until every web process has made its connections; raises ``RuntimeError`` if one does not answer."""
    until = time.monotonic() + _WARMS_WITHIN
    for number, place in enumerate((*stage.webs, stage.straight)):
        carrier = SpreadCarrier(0, stage.environ["WEBHOOK_SECRET"], Journal(), random.Random(number), places=[place])
        good, dialled = 0, 0
        while good < _WARM:
            screen = carrier.hop(f"{_STRANGER}{number}{dialled:02d}", carrier.session(), "")
            good = good + 1 if screen is not None and screen.startswith("CON ") else 0
            dialled = (dialled + 1) % 100
            if time.monotonic() > until:
                raise RuntimeError(f"the web process on {place[0]} does not answer callers: {screen}")
