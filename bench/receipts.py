"""The bench ``receipts``: delivery reports, taken in by the webhook and applied by the worker, each against its floor.

A round is about messages of its own, some of which have no answer of ours on record yet. First the floor's view takes the
reports, with one XADD each. Then the webhook does while the worker is paused, so that each step's time is its own; then the
worker goes on until none waits. Behind it the floor of that: a plain loop that updates as many rows of the same table, by their
ids, a thousand reports a statement. Last our own answers are written, and the round is judged. One more round, which has no
floor, is taken and applied at the same time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import redis

from bench import people
from bench.counted import await_counted
from bench.cpu import FLOOR, WEB, Reading
from bench.failure import BenchFailed
from bench.figures import percentile
from bench.folder import run_folder
from bench.machine import describe_versions
from bench.player import play
from bench.posting import PostAccount, PostScript
from bench.receipts_judge import judge
from bench.receipts_world import GATEWAY, PER_MESSAGE, Report, Sent, add_messages, answer, reports_on
from bench.script import FLOOR_RECEIPTS_PATH, FLOOR_STREAM
from bench.sms_stage import SmsStage, staged_sms
from bench.stage import HOST
from bot.db.database import Database
from bot.messaging.receipt_stream import BATCH, STREAM
from bot.queues import Work

#: Reports of a round for one that warms up; seconds until all must have been applied, and between two looks.
_WARM_SHARE, _LIMIT, _POLL = 4, 300.0, 0.005
#: People at most; with more messages each has several, as after some blasts.
_MOST_PEOPLE = 400_000
_UPDATE = """
UPDATE message m SET state = t.state, reason = nullif(t.reason, ''), settled_at = t.at
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[]) AS t (id, state, reason, at) WHERE m.id = t.id
"""
_TABLES = "message, receipt, attempt, worker"


@dataclass(frozen=True, slots=True)
class WantedReceipts:
    """``reports`` of one round; ``lines``: connections of the gateway's; ``messages``: how many there are besides, all of
    which have arrived long ago."""

    reports: int = 20_000
    rounds: int = 4
    lines: int = 8
    messages: int = 200_000

    @property
    def about(self) -> int:
        """Messages that the reports of one round are about."""
        return max(1, round(self.reports / PER_MESSAGE))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a round: reports a second, milliseconds of a request (p50, p99; 0 where there is none), microseconds of CPU a
    report by meter, and of whoever posted or updated. ``again``: reports that were posted again because we were busy."""

    reports: int
    seconds: float
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: Mapping[str, float]
    caller_us: float
    again: int


@dataclass(frozen=True, slots=True)
class RoundOfReceipts:
    """A round: taking in with its floor, applying with its floor."""

    view: Step
    taken: Step
    applied: Step
    update: Step


@dataclass(frozen=True, slots=True)
class ReceiptsResult:
    """Everything that was measured, and what was wrong. ``together``: taken and applied at the same time, by the last one."""

    wanted: WantedReceipts
    versions: Mapping[str, str]
    rounds: tuple[RoundOfReceipts, ...]
    together: Step
    peak_mib: Mapping[str, float]
    wrong: tuple[str, ...]


def measure(wanted: WantedReceipts, folder: Path, say: Callable[[str], None]) -> ReceiptsResult:
    """Measure in a run folder below ``folder``. Call from the main thread.

    Raises ``BenchFailed``, ``bot.embedded.errors.EmbeddedServerError`` or ``OSError``.
    """
    roster = max(wanted.about, min(wanted.messages, _MOST_PEOPLE))
    with run_folder(folder) as own, staged_sms(own, roster=roster, say=say) as stage:
        say(f"{wanted.messages:,} messages that have arrived")
        for number, first in enumerate(range(0, wanted.messages, roster), 1):
            add_messages(stage.service.database_url, f"old {number}", min(roster, wanted.messages - first), old=True)
        with psycopg.connect(stage.service.database_url, autocommit=True) as connection:
            connection.execute(f"VACUUM (ANALYZE) {_TABLES}".encode())
            connection.execute("CHECKPOINT")
        await_counted(stage.service)
        with contextlib.closing(Database(stage.service.database_url, size=1, limit=None)) as database:
            return _Measurement(stage, wanted, database, say).run()


class _Measurement:
    def __init__(self, stage: SmsStage, wanted: WantedReceipts, database: Database, say: Callable[[str], None]) -> None:
        self._stage = stage
        self._wanted = wanted
        self._database = database
        self._say = say
        self._url = stage.service.database_url
        self._valkey = redis.Redis.from_url(stage.service.redis_url)
        self._wrong: list[str] = []
        self._number = 0

    def run(self) -> ReceiptsResult:
        wanted, stage = self._wanted, self._stage
        self._say("warming up")
        self._round(wanted.about // _WARM_SHARE + 1)
        rounds = []
        for number in range(1, wanted.rounds + 1):
            self._say(f"round {number} of {wanted.rounds}: {wanted.reports:,} reports, floors and service")
            rounds.append(self._round(wanted.about))
        self._say("taken and applied at the same time")
        together = self._together(wanted.about)
        self._valkey.close()
        return ReceiptsResult(
            wanted=wanted,
            versions=describe_versions(self._url, stage.service.redis_url),
            rounds=tuple(rounds),
            together=together,
            peak_mib=stage.service.meters.peaks(),
            wrong=(*self._wrong, *people.broken_invariants(self._url)),
        )

    def _round(self, about: int) -> RoundOfReceipts:
        messages, reports = self._come(about)
        others, _ = self._come(about)
        view = self._post(reports, FLOOR, FLOOR_RECEIPTS_PATH)
        self._valkey.delete(FLOOR_STREAM)
        with self._paused_worker() as go_on:
            taken = self._post(reports, WEB, self._stage.path(GATEWAY, "receipts"))
            if (waiting := self._valkey.xlen(STREAM)) != len(reports):
                self._wrong.append(f"{waiting} of {len(reports)} reports wait in the stream")
            applied = self._apply(len(reports), go_on)
        update = self._update(reports, others)
        self._end(messages, reports)
        return RoundOfReceipts(view, taken, applied, update)

    def _together(self, about: int) -> Step:
        messages, reports = self._come(about)
        meters = self._stage.service.meters
        before = meters.read()
        posted = self._posted(reports, WEB, self._stage.path(GATEWAY, "receipts"))
        self._await_applied()
        step = _step(len(reports), time.monotonic() - posted.began, meters.read().since(before), posted)
        self._end(messages, reports)
        return step

    def _come(self, about: int) -> tuple[list[Sent], list[Report]]:
        """Messages, and the reports on them."""
        self._number += 1
        messages = add_messages(self._url, f"round {self._number}", about)
        return messages, reports_on(messages, self._number)

    def _end(self, messages: Sequence[Sent], reports: Sequence[Report]) -> None:
        """Write our own answers, and look at what has become of everything."""
        answer(self._database, messages)
        self._stage.service.check_alive()
        self._wrong += judge(self._url, messages, reports)

    def _post(self, reports: Sequence[Report], server: str, path: str) -> Step:
        meters = self._stage.service.meters
        before = meters.read()
        posted = self._posted(reports, server, path)
        return _step(len(reports), posted.seconds, meters.read().since(before), posted)

    def _posted(self, reports: Sequence[Report], server: str, path: str) -> PostAccount:
        requests = tuple((path, "", urlencode(report.form)) for report in reports)
        script = PostScript(HOST, self._stage.service.ports[server], self._wanted.lines, requests)
        account = PostAccount(**play("bench.posting", script))
        if account.errors:
            raise BenchFailed(f"reports were not taken by {server}: {account.errors}")
        return account

    @contextlib.contextmanager
    def _paused_worker(self) -> Iterator[Callable[[], None]]:
        """Nothing is applied within, until what is handed in is called."""
        pid = self._stage.service.children[Work.RECEIPTS].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield lambda: os.kill(pid, signal.SIGCONT)
        finally:
            os.kill(pid, signal.SIGCONT)

    def _apply(self, count: int, go_on: Callable[[], None]) -> Step:
        meters = self._stage.service.meters
        before, began = meters.read(), time.monotonic()
        go_on()
        self._await_applied()
        return _step(count, time.monotonic() - began, meters.read().since(before), None)

    def _await_applied(self) -> None:
        until = time.monotonic() + _LIMIT
        while self._valkey.xlen(STREAM):
            if time.monotonic() > until:
                raise BenchFailed(f"reports were not applied within {_LIMIT:.0f} s")
            self._stage.service.check_alive()
            time.sleep(_POLL)

    def _update(self, reports: Sequence[Report], rows: Sequence[Sent]) -> Step:
        """The plain loop: what the reports say is written into as many other messages of the table."""
        meters = self._stage.service.meters
        places = {report.message.id: place for place, report in enumerate(_firsts(reports))}
        with psycopg.connect(self._url, autocommit=True) as connection:
            before, began, cpu = meters.read(), time.monotonic(), time.process_time()
            for first in range(0, len(reports), BATCH):
                told = {places[each.message.id]: each for each in reports[first : first + BATCH]}
                now = datetime.now(UTC)
                connection.execute(
                    _UPDATE,
                    (
                        [rows[place].id for place in told],
                        [each.state for each in told.values()],
                        [each.form.get("failureReason", "") for each in told.values()],
                        [now] * len(told),
                    ),
                )
            seconds, spent = time.monotonic() - began, time.process_time() - cpu
            taken = meters.read().since(before)
        return _step(len(reports), seconds, taken, None, spent)


def _firsts(reports: Sequence[Report]) -> list[Report]:
    """The first report on each message."""
    return list({report.message.id: report for report in reversed(reports)}.values())


def _step(count: int, seconds: float, taken: Reading, posted: PostAccount | None, caller: float = 0.0) -> Step:
    took = sorted(us / 1000 for us in posted.took_us) if posted else []
    return Step(
        reports=count,
        seconds=seconds,
        per_second=count / max(seconds, 1e-9),
        p50_ms=percentile(took, 0.5),
        p99_ms=percentile(took, 0.99),
        cpu_us={part: spent / count * 1e6 for part, spent in taken.parts.items()},
        caller_us=(posted.cpu_seconds if posted else caller) / count * 1e6,
        again=posted.again if posted else 0,
    )
