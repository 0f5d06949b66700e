"""What is known beforehand of the codes in a roster, where its rows go straight into their table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Codes:
    """What is to be known for packing a row for ``worker``: the id of line 0, the codes of all districts, the ids of all
    facilities by their codes, and the time of the import."""

    first_id: int
    districts: frozenset[str]
    facilities: Mapping[str, int]
    now: datetime

    def as_json(self) -> dict[str, Any]:
        """For a process of our own."""
        return {
            "first_id": self.first_id,
            "districts": sorted(self.districts),
            "facilities": dict(self.facilities),
            "now": self.now.isoformat(),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Codes:
        """What ``as_json`` made."""
        moment = datetime.fromisoformat(told["now"])
        return cls(told["first_id"], frozenset(told["districts"]), told["facilities"], moment)
