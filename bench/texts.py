"""What the texters are asked to do, and what they tell afterwards: plain values, passed as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bench.script import ONWARD

#: SMS of one registration: the birth date, and what is typed after it by USSD too. Each has one answer.
TEXTS = 1 + len(ONWARD)
AFRICASTALKING, TWILIO = "africastalking", "twilio"


@dataclass(frozen=True, slots=True)
class TextScript:
    """Who texts whom. ``workers``: (phone in E.164, birth date as typed); each of them registers once, with ``TEXTS`` SMS.

    ``lines`` texters at a time, each of whom waits for an answer, then ``pause`` seconds (half as long to half as long
    again, by chance) and texts again. The answer is a line in the stub gateway's ``log``; without one it is what the HTTP
    answer holds, and where ``unanswered`` (the floor) there is none: the HTTP answer is all that is waited for.
    ``signed_for``: the address as Twilio signs it, with ``auth_token``; "" for a gateway that signs nothing. ``messages``: how
    ids of SMS begin. ``begins_at``: the moment of the monotonic clock to begin at, 0 for at once. ``patience``: seconds
    without any answer after which the rest is given up.
    """

    host: str
    port: int
    gateway: str
    path: str
    lines: int
    workers: tuple[tuple[str, str], ...]
    messages: str
    log: str = ""
    unanswered: bool = False
    signed_for: str = ""
    auth_token: str = ""
    pause: float = 0.0
    begins_at: float = 0.0
    patience: float = 30.0

    @classmethod
    def of(cls, stored: dict[str, Any]) -> TextScript:
        """The script of its JSON form."""
        return cls(**stored | {"workers": tuple((phone, birth_date) for phone, birth_date in stored["workers"])})


@dataclass(slots=True)
class TextAccount:
    """What came of it.

    ``began`` and ``ended`` by the monotonic clock. ``reply_us``: for each of the ``TEXTS`` SMS of a registration the
    microseconds from its POST to its answer; ``taken_us``: to the HTTP answer of each. ``sent``: (id, phone) of each SMS;
    ``answers``: (id, body) of each HTTP answer that holds a reply. ``again``: SMS that were delivered again after a 503, as
    gateways do; what they waited counts. ``errors``: how often what went wrong, with
    ``examples``. ``cpu_seconds``: taken by the generator itself.
    """

    began: float = 0.0
    ended: float = 0.0
    cpu_seconds: float = 0.0
    walks: int = 0
    reply_us: list[list[int]] = field(default_factory=lambda: [[] for _ in range(TEXTS)])
    taken_us: list[int] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    answers: list[tuple[str, str]] = field(default_factory=list)
    again: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)

    @property
    def replies(self) -> int:
        """SMS that were answered."""
        return sum(len(took) for took in self.reply_us)

    @property
    def seconds(self) -> float:
        """From the first SMS to the last answer."""
        return self.ended - self.began

    @classmethod
    def of(cls, stored: dict[str, Any]) -> TextAccount:
        """The account of its JSON form."""
        pairs = {name: [(first, second) for first, second in stored[name]] for name in ("sent", "answers")}
        return cls(**stored | pairs)
