"""The bench ``hops``: subscribers walk whole registrations through the webhook, measured against the floor.

Rounds are short and alternate (floor, hops, floor, hops ...), so that whatever else the machine does meets both, and
each round of hops is compared with the floor's round just before it. Both get the same requests from the same
generator. A round of hops ends with its last screen; the floor starts again only when every ticket SMS has been handed
over. After each pair comes another of hops that touch no SQL, whose floor gets the same requests too.
"""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import people
from bench.counted import await_counted
from bench.cpu import FLOOR, POSTGRESQL, SENDERS, VALKEY, WEB, children_seconds
from bench.crowd import gather_roster
from bench.failure import BenchFailed
from bench.figures import Pair, Registration, Round, Summary, round_of, summary_of
from bench.folder import run_folder
from bench.machine import describe_versions
from bench.player import play
from bench.profiling import profiled
from bench.script import BEFORE_THOSE, NOTHING_PATH, WITHOUT_SQL, Account, Script
from bench.stage import HOST, Stage, staged

#: Registrations of a round for one that warms up, and for one who walks where no hop touches SQL.
_WARM_SHARE, _WITHOUT_SQL_SHARE = 4, 2
Callers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure. ``registrations`` are those of one round, ``workers`` the least size of the roster; ``multiplied``:
    which is made of a few thousand by SQL, as large rosters are."""

    subscribers: int = 32
    registrations: int = 1000
    rounds: int = 8
    workers: int = 100_000
    web_only: bool = False
    profile: bool = False
    multiplied: bool = False

    @property
    def warming(self) -> int:
        """Registrations before the first round, which count for nothing."""
        return max(self.subscribers, self.registrations // _WARM_SHARE)

    @property
    def without_sql(self) -> int:
        """Workers of a round whose hops touch no SQL."""
        return max(self.subscribers, self.registrations // _WITHOUT_SQL_SHARE)

    @property
    def callers(self) -> int:
        """Workers that dial in all."""
        return self.warming + self.registrations * (self.rounds + self.profile) + self.without_sql * self.rounds


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that was measured. ``ceiling``: a round of a server that does nothing. ``without_sql``: rounds whose hops
    touch no SQL, ``without_sql_floors`` the floor's with the same requests."""

    wanted: Wanted
    versions: dict[str, str]
    world: dict[str, int]
    ceiling: Round
    floors: tuple[Round, ...]
    hops: tuple[Round, ...]
    without_sql_floors: tuple[Round, ...]
    without_sql: tuple[Round, ...]
    registrations: tuple[Registration, ...]
    summary: Summary
    peak_mib: dict[str, float]
    errors: dict[str, int]
    examples: tuple[str, ...]
    broken: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether every answer was right and no invariant is broken."""
        return not self.errors and not self.broken


def measure(wanted: Wanted, folder: Path, say: Callable[[str], None]) -> Result:
    """Measure in a run folder below ``folder``; profiles are left in ``folder`` itself. Call from the main thread.

    Raises ``BenchFailed`` or ``bot.embedded.errors.EmbeddedServerError``.
    """
    filled = gather_roster if wanted.multiplied else None
    roster = max(wanted.workers, people.roster_for(wanted.callers))
    with (
        run_folder(folder) as own,
        staged(own, workers=roster, web_only=wanted.web_only, say=say, filled=filled) as stage,
    ):
        if not wanted.web_only:
            await_counted(stage)
        return _Measurement(stage, wanted, say).run(folder)


class _Measurement:
    def __init__(self, stage: Stage, wanted: Wanted, say: Callable[[str], None]) -> None:
        self._stage = stage
        self._wanted = wanted
        self._say = say
        self._errors: Counter[str] = Counter()
        self._examples: list[str] = []
        self._callers = iter(people.choose_callers(stage.database_url, wanted.callers))

    def run(self, folder: Path) -> Result:
        wanted = self._wanted
        warming = self._next_callers(wanted.warming)
        self._say("warming up")
        self._round(FLOOR, self._script(FLOOR, warming))
        self._registrations(warming)
        floors, hops, registrations = [], [], []
        without_sql: list[Pair] = []
        rounds = [self._next_callers(wanted.registrations) for _ in range(wanted.rounds)]
        ceiling = self._round(FLOOR, replace(self._script(FLOOR, rounds[0]), path=NOTHING_PATH))
        for number, callers in enumerate(rounds, 1):
            self._say(f"round {number} of {wanted.rounds}: {len(callers):,} registrations, floor and service")
            floors.append(self._round(FLOOR, self._script(FLOOR, callers)))
            walked, registration = self._registrations(callers)
            hops.append(walked)
            registrations.append(registration)
            without_sql.append(self._without_sql(self._next_callers(wanted.without_sql)))
        if wanted.profile:
            self._say("one more round, looked at by py-spy")
            with profiled(self._busiest(), folder):
                self._registrations(self._next_callers(wanted.registrations))
        return Result(
            wanted=wanted,
            versions=describe_versions(self._stage.database_url, self._stage.redis_url),
            world=people.describe_world(self._stage.database_url),
            ceiling=ceiling,
            floors=tuple(floors),
            hops=tuple(hops),
            without_sql_floors=tuple(floor for floor, _ in without_sql),
            without_sql=tuple(ours for _, ours in without_sql),
            registrations=tuple(registrations),
            summary=summary_of(list(zip(floors, hops, strict=True)), without_sql, registrations),
            peak_mib=self._stage.meters.peaks(),
            errors=dict(self._errors),
            examples=tuple(self._examples),
            broken=tuple(people.broken_invariants(self._stage.database_url)),
        )

    def _next_callers(self, count: int) -> list[tuple[str, str]]:
        return [next(self._callers) for _ in range(count)]

    def _busiest(self) -> list[int]:
        taken = children_seconds(self._stage.children[WEB].pid)
        return sorted(taken, key=lambda pid: -taken[pid])

    def _registrations(self, callers: Callers) -> tuple[Round, Registration]:
        """A round of the service, until every ticket has been handed over."""
        before = self._stage.meters.read()
        walked = self._round(WEB, self._script(WEB, callers))
        backlog, drained = (0, 0.0) if self._wanted.web_only else people.await_sent(self._stage.database_url)
        taken = self._stage.meters.read().since(before).parts
        one = 1000 / max(walked.walks, 1)
        return walked, Registration(
            web=walked.cpu_us[WEB] * walked.hops / 1e6 * one,
            answering=walked.cpu_of(WEB) * walked.hops / 1e6 * one,
            whole=sum(taken[part] for part in (WEB, POSTGRESQL, VALKEY, SENDERS)) * one,
            backlog=backlog,
            drained_s=drained,
        )

    def _without_sql(self, callers: Callers) -> Pair:
        """A round of the floor and of the service with hops that touch no SQL. Everybody has dialled and told the birth date
        before, which counts for nothing."""
        begun = replace(self._script(WEB, callers), onward=(), to_ticket=False)
        self._round(WEB, begun)
        script = replace(begun, onward=WITHOUT_SQL, begins=BEFORE_THOSE)
        return self._round(FLOOR, replace(script, port=self._stage.ports[FLOOR])), self._round(WEB, script)

    def _script(self, what: str, callers: Callers) -> Script:
        return Script(
            host=HOST,
            port=self._stage.ports[what],
            path=self._stage.path,
            subscribers=self._wanted.subscribers,
            workers=tuple(callers),
            to_ticket=what == WEB,
            session=f"ATUid_{time.monotonic_ns():x}_",
        )

    def _round(self, what: str, script: Script) -> Round:
        stage = self._stage
        server = stage.children[what].pid
        children = children_seconds(server)
        generator = _reaped()
        before = stage.meters.read()
        account = generate(script)
        taken = stage.meters.read().since(before)
        now = children_seconds(server)
        stage.check_alive()
        if script.to_ticket:
            people.check_tickets(stage.database_url, account)
        self._note(account, len(script.workers))
        spent = [now[pid] - children.get(pid, 0.0) for pid in now]
        return round_of(
            account,
            taken.parts,
            others=(taken.machine - sum(taken.parts.values()) - (_reaped() - generator)) / taken.at,
            stolen=taken.stolen / taken.at,
            shares=sorted(round(seconds / max(sum(spent), 1e-9), 3) for seconds in spent),
        )

    def _note(self, account: Account, wanted: int) -> None:
        self._errors.update(account.errors)
        self._examples += account.examples[: 5 - len(self._examples)]
        missing = wanted - account.walks - sum(account.errors.values())
        if missing > 0:
            self._errors["nobody dialled any more"] += missing
        if not account.walks:
            raise BenchFailed(f"nobody got through: {'; '.join(account.examples[:1]) or 'no line was free'}")


def generate(script: Script) -> Account:
    """Play a script in a process of its own; raises ``BenchFailed``."""
    return Account.of(play("bench.subscribers", script))


def _reaped() -> float:
    """CPU seconds of our own children that have ended: the load generators, start and end included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
