"""The teahouse with its doors open: a driver on a real server, and a world that can be interfered with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import redis

from bot.clock import ManualClock
from bot.conversation.catalog import Catalogs
from bot.conversation.driver import Caller, Driver, Heard
from bot.conversation.engine import Engine
from bot.conversation.flow import Flow
from bot.conversation.hops import Note, unnoted
from bot.conversation.screens import Screen
from bot.conversation.store import Store
from tests.conversation.teahouse import Guest, Kitchen

PHONE = "+6281234567890"
NOON = datetime(2021, 1, 13, 5, 0, tzinfo=UTC)
NAME, SEAT = "Siapa nama Anda?\n0 No name", "Budi, duduk di dalam?\n1 Di dalam\n2 Di luar"
SERVED = "Teh Melati untuk Budi. Selamat menikmati!"


@dataclass
class House:
    """A driver with its world: what it asks for is counted, and can be interfered with."""

    client: redis.Redis
    words: Catalogs
    kitchen: Kitchen
    clock: ManualClock
    flow: Flow[Guest]
    before: Callable[[object, Caller], None] = lambda _effect, _caller: None
    note: Note = unnoted

    def __post_init__(self) -> None:
        self.callers: list[Caller] = []

    @property
    def driver(self) -> Driver[Guest]:
        return Driver(
            Engine(self.flow, self.words, limit=160),
            Store(self.client),
            self._perform,
            self.clock,
            digest_keys=[b"k" * 32],
            time_zone=ZoneInfo("Asia/Jakarta"),
            note=self.note,
        )

    def _perform(self, effect: object, caller: Caller) -> object:
        self.callers.append(caller)
        self.before(effect, caller)
        return self.kitchen.perform(effect)

    def asked(self, kind: type) -> int:
        return sum(isinstance(effect, kind) for effect in self.kitchen.asked)

    def dials(self, *inputs: str, session: str = "s1") -> Screen:
        """A session from its first request to its last."""
        screen = self.driver.ussd(PHONE, session, "")
        for count in range(len(inputs)):
            screen = self.driver.ussd(PHONE, session, "*".join(inputs[: count + 1]))
        return screen

    def texts(self, text: str, message: str = "m1") -> Heard:
        return self.driver.sms(PHONE, text, message)

    def passes(self, seconds: float) -> None:
        self.clock.moment += timedelta(seconds=seconds)
