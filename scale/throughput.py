"""How many register a second by one web process, by two, by four; each walks its callers, on hosts of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from bench.cpu import Meters
from bench.failure import BenchFailed
from bench.people import await_left, check_tickets
from bench.player import play
from bench.script import Account, Script
from scale.stage import Stage

#: Subscribers at a time, of all web processes together.
LINES: Final = 8
#: What the generator notes of an answer that bids to try again: a machine that has other things to do refuses some.
_REFUSED: Final = re.compile(r"screen \d is no|no ticket on the last screen")


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement. ``refused``: callers who were told to try again later, and hung up; ``hop_ms``: median and 95th
    percentile of all hops; ``cpu_ms``: of each part, for a registration."""

    words: str
    webs: int
    registrations: int
    refused: int
    seconds: float
    hop_ms: tuple[float, float]
    cpu_ms: dict[str, float]
    busy_cores: float

    @property
    def a_second(self) -> float:
        """Registrations."""
        return self.registrations / self.seconds


def measure(
    stage: Stage, words: str, places: Sequence[tuple[str, int]], callers: Sequence[tuple[str, str]], session: str
) -> Row:
    """Have all callers register, each at one of the web processes at ``places``; then wait until their tickets have left.

    Raises ``BenchFailed`` if any of them was told what is not so.
    """
    scripts = [
        Script(
            host=host,
            port=port,
            path=stage.path,
            subscribers=max(1, LINES // len(places)),
            workers=tuple(callers[number :: len(places)]),
            to_ticket=True,
            session=f"{session}{number}",
        )
        for number, (host, port) in enumerate(places)
    ]
    meters = Meters(stage.pids())
    before = meters.read()
    with ThreadPoolExecutor(len(scripts)) as players:
        accounts = [Account.of(each) for each in players.map(lambda script: play("bench.subscribers", script), scripts)]
    took = meters.read().since(before)
    for account in accounts:
        check_tickets(stage.primary.url, account)
        if wrong := {kind: many for kind, many in account.errors.items() if not _REFUSED.match(kind)}:
            raise BenchFailed(f"{words}: {wrong} {account.examples[:1]}")
    await_left(stage.primary.url)
    hops = sorted(us for account in accounts for screen in account.hop_us for us in screen)
    walks = sum(account.walks for account in accounts)
    if not walks:
        raise BenchFailed(f"{words}: everybody was told to try again later")
    seconds = max(account.seconds for account in accounts)
    return Row(
        words,
        len(places),
        walks,
        sum(sum(account.errors.values()) for account in accounts),
        seconds,
        (hops[len(hops) // 2] / 1000, hops[len(hops) * 95 // 100] / 1000),
        {part: used * 1000 / walks for part, used in took.parts.items()},
        took.machine / took.at,
    )
