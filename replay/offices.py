"""District health offices that remind their own people, each at 19.00 of its own time, by the API."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.officers.accounts import Role
from bot.officers.permissions import May
from replay.admins import Program, add_admin
from replay.books import OFFICE
from replay.curve import at
from replay.post import OFFICE_TEXT
from replay.stage import ReplayFailed, Stage

#: 19.00 in each zone, in seconds of the day in Jakarta.
SENDS_AT: Final = {"Asia/Jayapura": at(17), "Asia/Makassar": at(18), "Asia/Jakarta": at(19), "Asia/Pontianak": at(19)}
#: Seconds until a worker must have counted what a draft would do.
_COUNTED_WITHIN: Final = 120.0
_OFFICE: Final = (May.SEE_CAMPAIGNS, May.COMPOSE, May.RUN_CAMPAIGNS)
_MINISTRY: Final = (May.SEE_CAMPAIGNS, May.APPROVE)
#: Some of each zone, and always the same ones.
_DISTRICTS: Final = """
SELECT code, time_zone FROM district ORDER BY row_number() OVER (PARTITION BY time_zone ORDER BY md5(code)), code LIMIT %s
"""


@dataclass
class Office:
    """A district's office with its reminder. ``sends_at``: when it leaves; ``seen``: as it was approved."""

    district: str
    sends_at: float
    program: Program
    number: int
    seen: str = ""

    def send(self) -> None:
        """Send the reminder; raises ``ReplayFailed``."""
        self.program.posts(f"/campaigns/{self.number}/send", {"seen": self.seen})


def prepared_offices(stage: Stage, many: int) -> list[Office]:
    """So many offices with a draft each, which the ministry has approved; raises ``ReplayFailed``."""
    rows = stage.database.rows(_DISTRICTS, (many,))
    offices = [_draft(stage, code, zone) for code, zone in rows]
    ministry = Program(stage, add_admin(stage, "kemenkes", Role.NATIONAL), _MINISTRY)
    _await_reckoned(offices)
    for office in offices:
        seen = ministry.gets(f"/campaigns/{office.number}")["seen"]
        ministry.posts(f"/campaigns/{office.number}/approve", {"seen": seen})
        office.seen = str(office.program.gets(f"/campaigns/{office.number}")["seen"])
    return offices


def _draft(stage: Stage, district: str, zone: str) -> Office:
    program = Program(stage, add_admin(stage, f"dinas{district}", Role.DISTRICT, district), _OFFICE)
    told = program.posts(
        "/campaigns",
        {
            "name": f"{OFFICE} {district}",
            "texts": {"id": f"{OFFICE_TEXT} pendaftaran vaksinasi ditutup {{closes}}. Hubungi {{ussd_code}}. Gratis."},
            "audience": {"districts": [district], "states": ["invited", "started", "verified"]},
        },
    )
    return Office(district, SENDS_AT[zone], program, int(told["campaign"]["id"]))


def _await_reckoned(offices: Sequence[Office]) -> None:
    until = time.monotonic() + _COUNTED_WITHIN
    for office in offices:
        while office.program.gets(f"/campaigns/{office.number}")["preview"] is None:
            if time.monotonic() > until:
                raise ReplayFailed(f"nobody reckons whom the reminder of district {office.district} goes to")
            time.sleep(0.05)
