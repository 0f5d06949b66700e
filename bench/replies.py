"""The bench ``replies``: people register by SMS, and each SMS has its answer handed to the gateway, against the floor.

By Africa's Talking the answer leaves by the API, through the outbox and the worker of replies, and counts when the stub gateway
has written it into its log. By Twilio it leaves in the HTTP answer. Rounds alternate (floor and service of the one gateway,
then of the other), and each is compared with the floor's just before it.

What is sent in a round is whole registrations of ``TEXTS`` SMS by texters who wait for each answer and for nothing else: so
many that the service always has something to do while others wait for the worker to look. Behind the rounds the same is
measured of people who take their time, since that is how long a person waits.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from bench import people
from bench.blast_floor import Floor, measure_floor
from bench.cpu import FLOOR, VALKEY, WEB
from bench.failure import BenchFailed
from bench.figures import percentile
from bench.folder import run_folder
from bench.machine import describe_versions
from bench.player import play
from bench.replies_judge import FLOOR_TEXT, acknowledge, await_known, judge
from bench.script import FLOOR_SMS_PATHS
from bench.sms_stage import SmsStage, staged_sms
from bench.stage import HOST
from bench.texts import AFRICASTALKING, TEXTS, TWILIO, TextAccount, TextScript

GATEWAYS = (AFRICASTALKING, TWILIO)
#: Registrations of a round for one that warms up; seconds that load generators have until both can begin.
_WARM_SHARE, _GET_READY = 4, 3.0


@dataclass(frozen=True, slots=True)
class WantedReplies:
    """``lines``: texters at a time. ``registrations``: of one round of one gateway; ``calm``: those of people who take
    ``pause`` seconds before each SMS, ``calm_lines`` at a time. ``workers``: the least size of the roster."""

    lines: int = 64
    registrations: int = 500
    rounds: int = 4
    calm: int = 100
    calm_lines: int = 16
    pause: float = 1.0
    workers: int = 100_000

    @property
    def warming(self) -> int:
        """Registrations by each gateway that count for nothing."""
        return max(self.lines, self.registrations // _WARM_SHARE)

    @property
    def texters(self) -> int:
        """Workers that register in all."""
        return len(GATEWAYS) * (self.warming + self.registrations * self.rounds + self.calm)


@dataclass(frozen=True, slots=True)
class Texted:
    """SMS of one round, or of people who take their time, and their answers.

    ``reply_ms``: p50, p95, p99 and the longest, from the POST to the answer at the gateway; ``taken_ms``: the same to the HTTP
    answer. ``cpu_us``: microseconds an SMS by meter, until every answer is on record. ``again``: SMS that were delivered again
    because we were busy.
    """

    seconds: float
    replies: int
    per_second: float
    reply_ms: tuple[float, float, float, float]
    taken_ms: tuple[float, float, float, float]
    cpu_us: Mapping[str, float]
    generator_cpu: float
    again: int


@dataclass(frozen=True, slots=True)
class FloorRound:
    """The floor of a round: as many SMS taken by the bare view, and, where answers leave by the API, at the same time as many
    sent by the plain loop. ``seconds``: until both have ended. ``loop_ms``: what one text takes the loop on average."""

    seconds: float
    replies: int
    per_second: float
    taken_ms: tuple[float, float, float, float]
    loop_ms: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway's rounds, and its people who take their time."""

    name: str
    floors: tuple[FloorRound, ...]
    rounds: tuple[Texted, ...]
    calm: Texted


@dataclass(frozen=True, slots=True)
class RepliesResult:
    """Everything that was measured, and what was wrong."""

    wanted: WantedReplies
    versions: Mapping[str, str]
    gateways: tuple[Gateway, ...]
    peak_mib: Mapping[str, float]
    wrong: tuple[str, ...]


def measure(wanted: WantedReplies, folder: Path, say: Callable[[str], None]) -> RepliesResult:
    """Measure in a run folder below ``folder``. Call from the main thread.

    Raises ``BenchFailed``, ``bot.embedded.errors.EmbeddedServerError`` or ``OSError``.
    """
    roster = max(wanted.workers, people.roster_for(wanted.texters))
    with run_folder(folder) as own, staged_sms(own, roster=roster, say=say) as stage:
        return _Measurement(stage, wanted, say).run()


class _Measurement:
    def __init__(self, stage: SmsStage, wanted: WantedReplies, say: Callable[[str], None]) -> None:
        self._stage = stage
        self._wanted = wanted
        self._say = say
        self._url = stage.service.database_url
        self._workers = iter(people.choose_callers(self._url, wanted.texters))
        self._errors: Counter[str] = Counter()
        self._accounts: dict[str, list[TextAccount]] = {gateway: [] for gateway in GATEWAYS}
        self._answered: dict[str, float] = {}

    def run(self) -> RepliesResult:
        wanted, stage = self._wanted, self._stage
        self._say("warming up")
        for gateway in GATEWAYS:
            warming = self._next(wanted.warming)
            self._floor(gateway, warming)
            self._texts(gateway, warming, wanted.lines)
        floors: dict[str, list[FloorRound]] = {gateway: [] for gateway in GATEWAYS}
        rounds: dict[str, list[Texted]] = {gateway: [] for gateway in GATEWAYS}
        for number in range(1, wanted.rounds + 1):
            for gateway in GATEWAYS:
                self._say(f"round {number} of {wanted.rounds}: {wanted.registrations:,} registrations, {gateway}")
                workers = self._next(wanted.registrations)
                floors[gateway].append(self._floor(gateway, workers))
                rounds[gateway].append(self._texts(gateway, workers, wanted.lines))
        calm = {}
        for gateway in GATEWAYS:
            self._say(f"people who take their time, {gateway}")
            calm[gateway] = self._texts(gateway, self._next(wanted.calm), wanted.calm_lines, wanted.pause)
        self._say("judging")
        wrong = [f"{count} SMS: {reason}" for reason, count in self._errors.items()]
        for gateway, accounts in self._accounts.items():
            wrong += [f"{gateway}: {line}" for line in judge(self._url, stage.stub.log, gateway, accounts)]
        return RepliesResult(
            wanted=wanted,
            versions=describe_versions(self._url, stage.service.redis_url),
            gateways=tuple(Gateway(name, tuple(floors[name]), tuple(rounds[name]), calm[name]) for name in GATEWAYS),
            peak_mib=stage.service.meters.peaks(),
            wrong=(*wrong, *people.broken_invariants(self._url)),
        )

    def _next(self, count: int) -> list[tuple[str, str]]:
        return [next(self._workers) for _ in range(count)]

    def _texts(self, gateway: str, workers: Sequence[tuple[str, str]], lines: int, pause: float = 0.0) -> Texted:
        """The service's round, until every answer is on record."""
        stage, meters = self._stage, self._stage.service.meters
        path = stage.path(gateway, "sms")
        script = replace(
            self._script(gateway, workers, WEB, path),
            lines=lines,
            pause=pause,
            log=str(stage.stub.log) if gateway == AFRICASTALKING else "",
            signed_for=f"{stage.public_url}{path}" if gateway == TWILIO else "",
            auth_token=stage.auth_token,
        )
        before = meters.read()
        account = TextAccount.of(play("bench.texters", script))
        if gateway == AFRICASTALKING:
            await_known(self._url, gateway)
        taken = meters.read().since(before)
        stage.service.check_alive()
        if gateway == TWILIO:
            acknowledge(stage, account)
            await_known(self._url, gateway)
        self._note(gateway, account, len(workers))
        replies = max(account.replies, 1)
        return Texted(
            seconds=account.seconds,
            replies=account.replies,
            per_second=account.replies / max(account.seconds, 1e-9),
            reply_ms=_spread([us for step in account.reply_us for us in step]),
            taken_ms=_spread(account.taken_us),
            cpu_us={part: seconds / replies * 1e6 for part, seconds in taken.parts.items() if part != FLOOR},
            generator_cpu=account.cpu_seconds / max(account.seconds, 1e-9),
            again=account.again,
        )

    def _floor(self, gateway: str, workers: Sequence[tuple[str, str]]) -> FloorRound:
        """As many SMS by the bare view; with the plain loop beside it, both begin at the same moment."""
        meters = self._stage.service.meters
        script = replace(self._script(gateway, workers, FLOOR, FLOOR_SMS_PATHS[gateway]), unanswered=True)
        loop: Floor | None = None
        before = meters.read()
        if gateway == AFRICASTALKING:
            begins_at = time.monotonic() + _GET_READY
            with ThreadPoolExecutor(1) as beside:
                sending = beside.submit(
                    measure_floor, self._stage.stub.url, gateway, messages=len(workers) * TEXTS, per_request=1,
                    threads=1, processes=1, text=FLOOR_TEXT, begins_at=begins_at,
                )  # fmt: skip
                account = TextAccount.of(play("bench.texters", replace(script, begins_at=begins_at)))
                loop = sending.result()
        else:
            account = TextAccount.of(play("bench.texters", script))
        taken = meters.read().since(before)
        if account.errors or account.replies != len(workers) * TEXTS:
            raise BenchFailed(f"the floor: {account.examples[:1]}")
        began = min(account.began, loop.ended - loop.seconds) if loop else account.began
        ended = max(account.ended, loop.ended) if loop else account.ended
        spent = taken.parts[FLOOR] + taken.parts[VALKEY] + (loop.cpu_seconds if loop else 0.0)
        return FloorRound(
            seconds=ended - began,
            replies=account.replies,
            per_second=account.replies / max(ended - began, 1e-9),
            taken_ms=_spread(account.taken_us),
            loop_ms=loop.seconds / loop.messages * 1000 if loop else 0.0,
            cpu_us=spent / account.replies * 1e6,
        )

    def _script(self, gateway: str, workers: Sequence[tuple[str, str]], server: str, path: str) -> TextScript:
        return TextScript(
            host=HOST,
            port=self._stage.service.ports[server],
            gateway=gateway,
            path=path,
            lines=self._wanted.lines,
            workers=tuple(workers),
            messages=f"SM{time.monotonic_ns():020x}",
        )

    def _note(self, gateway: str, account: TextAccount, registrations: int) -> None:
        self._errors.update({f"{gateway}: {reason}": count for reason, count in account.errors.items()})
        self._accounts[gateway].append(account)
        if not account.walks:
            raise BenchFailed(f"{gateway}: nobody got through: {'; '.join(account.examples[:1]) or 'no answer'}")
        if missing := registrations - account.walks - sum(account.errors.values()):
            self._errors[f"{gateway}: registrations that did not end"] += missing


def _spread(took_us: Sequence[int]) -> tuple[float, float, float, float]:
    """Milliseconds: p50, p95, p99, the longest."""
    ordered = sorted(us / 1000 for us in took_us)
    longest = ordered[-1] if ordered else 0.0
    return (percentile(ordered, 0.5), percentile(ordered, 0.95), percentile(ordered, 0.99), longest)
