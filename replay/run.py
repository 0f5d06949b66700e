"""One replay: the day of 13 January 2021, from the blast at midnight to the end of registration and a little on."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.machine import commit, describe_machine
from bench.stage import HOST
from bot.crypto import Vault
from bot.officers.accounts import Role
from replay.admins import FAILED, Watchers, add_admin
from replay.books import Books
from replay.callers import Callers
from replay.curve import CLOSES, FIRST, PRESS, at
from replay.dashboards import Checkpoint, Dashboards
from replay.lines import Lines
from replay.offices import Office, prepared_offices
from replay.people import read_roster
from replay.plans import Plan, plans_for
from replay.post import ALL_TOLD, BLAST_TEXT, Post
from replay.settling import await_turns, is_at_rest, waits_for
from replay.stage import ReplayFailed, Stage, serving, staged
from replay.timekeeper import MIDNIGHT, said

#: Requests under way at a time: hops and texts, receipts.
_HOPS, _RECEIPTS = 24, 16
#: The last checkpoint, when who came too late has heard so, and every receipt is in.
_END: Final = ALL_TOLD + 60.0
#: From a little before the end of registration to a little after it nobody may be late by more than some seconds: who has
#: dialled before the end then has five minutes to come to one.
_STRICT_FROM, _STRICT_UNTIL = CLOSES - 300.0, CLOSES + 180.0
_STRICT, _LATE_THEN = 100.0, 20.0
#: When the service reminds everybody of registration's end, zone by zone: as soon as messages may leave in the morning. The
#: clock stands a little before that, so that nothing leaves before everybody has done what they meant to do until then.
_BEFORE: Final = 25.0
_CLOSING_REMINDER: Final = (at(6) - _BEFORE, at(7) - _BEFORE, at(8) - _BEFORE)
_DRAFTS_AT: Final = at(16)
#: How numbers begin that are nobody's, in a sample.
_WRONG_PREFIX: Final = "+62837"
_WAIT, _REST, _SAID_EVERY = 0.002, 0.015, 10.0
#: Seconds of the machine after which it is looked again what a checkpoint waits for, and within which it must have come to
#: rest: the blast to half a million takes a minute or two.
_ASK_AGAIN, _RESTS_WITHIN = 1.0, 900.0
BLAST_NAME, _APPROVER = "blast 13 Januari", "menkes"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How large a replay is. ``registrations``: by 18.30; ``speed``: how many times faster than real time at most;
    ``offices``: districts whose office reminds its people."""

    seed: int
    workers: int
    registrations: int
    speed: float
    offices: int


@dataclass(frozen=True)
class Result:
    """What a replay came to. ``took``: seconds from the blast to midnight; ``to_press``: to 18.30;
    ``headline``, ``sentence``: what the page said then, in English and in Indonesian; ``broken``: what
    ``bot doctor`` finds; ``odd``: what callers met that was not meant; ``wrong``: what may not be at all."""

    wanted: Wanted
    checkpoints: tuple[Checkpoint, ...]
    books: dict[str, Any]
    digest: str
    headline: str
    sentence: str
    took: float
    to_press: float
    broken: tuple[str, ...]
    wrong: tuple[str, ...]
    odd: dict[str, int]
    requests: int
    slowest: float
    looks: dict[str, int]
    commit: str = field(default_factory=commit)
    machine: dict[str, object] = field(default_factory=describe_machine)

    @property
    def speed(self) -> float:
        """How many times faster than real time the day went by."""
        return CLOSES / self.took

    @property
    def right(self) -> bool:
        """Whether every figure agreed with the books at every checkpoint, every look was answered, and no invariant is
        broken."""
        answered = not self.looks.get(FAILED)
        return answered and not self.broken and not self.wrong and all(each.agrees for each in self.checkpoints)


def replay(wanted: Wanted, folder: Path, say: Callable[[str], None]) -> Result:
    """Play the day in an empty folder; call from the main thread.

    Raises ``ReplayFailed``, ``bot.embedded.errors.EmbeddedServerError``, ``ValueError`` or ``OSError``.
    """
    with staged(folder, workers=wanted.workers, seed=wanted.seed, speed=wanted.speed, say=say) as stage:
        roster = read_roster(stage.database, Vault(stage.environ["DATA_KEY"]), wanted.seed)
        plans = plans_for(roster, wanted.registrations, PRESS)
        say(f"{len(plans):,} people come this day; starting the service")
        # It would look through all these plans again and again, and nobody would be answered for seconds.
        gc.disable()
        with serving(stage), Watchers(stage) as watchers:
            day = _Day(stage, wanted, Books(roster), say)
            day.invite(plans)
            try:
                return day.play(watchers)
            finally:
                day.close()


class _Day:
    def __init__(self, stage: Stage, wanted: Wanted, books: Books, say: Callable[[str], None]) -> None:
        self._stage = stage
        self._wanted = wanted
        self._books = books
        self._say = say
        self.lines = Lines(HOST, stage.port, _HOPS, _RECEIPTS)
        self._dashboards = Dashboards(stage)
        self._checkpoints: list[Checkpoint] = []
        self._offices: list[Office] = []
        self._began = self._said_at = 0.0
        self._sentence = ""
        self._reached: dict[float, float] = {}

    def invite(self, plans: Sequence[Plan]) -> None:
        """Those who come."""
        stage = self._stage
        self._wanting = {plan.worker.number: plan for plan in plans if plan.worker and plan.registers_at is not None}
        self._callers = Callers(list(plans), self.lines, self._books, stage.webhook("ussd"), stage.webhook("sms"))
        self._post = Post(
            *(stage.stub.log, self.lines, self._books, stage.webhook("receipts"), self._callers.texted),
            seed=self._wanted.seed,
            wrong=_WRONG_PREFIX,
        )

    def close(self) -> None:
        """Let go of lines and files."""
        self.lines.close()
        self._post.close()

    def play(self, watchers: Watchers) -> Result:
        """The whole day."""
        self._send_blast()
        self._pass_until(FIRST)
        hours = [at(hour) for hour in (*range(1, 6), *range(9, 25))]
        for moment in sorted({*hours, *_CLOSING_REMINDER, PRESS, _STRICT_FROM, _STRICT_UNTIL, _END}):
            self._pass_until(moment)
            self._reached[moment] = time.monotonic() - self._began
            if moment not in (_STRICT_FROM, _STRICT_UNTIL):
                self._check(moment)
            self._at(moment)
        findings = json.loads(self._stage.bot("doctor", "--json", may_fail=True))
        return Result(
            wanted=self._wanted,
            checkpoints=tuple(self._checkpoints),
            books=self._books.summary(),
            digest=self._books.digest(),
            headline=next(each.headline for each in self._checkpoints if each.at == PRESS),
            sentence=self._sentence,
            took=self._reached[CLOSES],
            to_press=self._reached[PRESS],
            broken=tuple(f"{each['invariant']}: {each['broken']}" for each in findings if each["broken"]),
            wrong=tuple(self._wrong()),
            odd=dict(self._callers.odd),
            requests=self.lines.answered,
            slowest=self.lines.slowest,
            looks=dict(watchers.looks),
        )

    def _wrong(self) -> Iterator[str]:
        yield from self._books.oddities
        unserved: dict[tuple[str, str], list[float]] = {}
        for number in self._books.without_ticket(self._wanting):
            plan = self._wanting[number]
            way = "by SMS" if plan.by_sms else "by USSD"
            unserved.setdefault((way, self._callers.last_seen.get(number, "nothing")), []).append(
                plan.registers_at or 0.0
            )
        for (way, state), moments in unserved.items():
            yield (
                f"{len(moments)} people meant to register {way} between {said(min(moments))} and {said(max(moments))}, were "
                f"shown no ticket, and saw {state} last"
            )

    def _send_blast(self) -> None:
        stage, text = self._stage, f"{BLAST_TEXT} Hubungi {{ussd_code}} atau balas tanggal lahir (DDMMYYYY). Gratis."
        # The reminder of 24 hours before the end is due already, and finds nobody who knows of it.
        stage.ask_for("remind")
        self._pass_until(0.0)
        add_admin(stage, _APPROVER, Role.NATIONAL)
        stage.bot("campaign", "create", BLAST_NAME, "--audience", "{}", "--text-id", text, "--ignore-quiet-hours")
        stage.bot("campaign", "approve", BLAST_NAME, "--as", _APPROVER)
        self._say("00.00  the blast leaves")
        self._began = time.monotonic()
        stage.bot("campaign", "send", BLAST_NAME, "--no-wait")

    def _at(self, moment: float) -> None:
        """What happens at a checkpoint, while the clock stands: what is sent then has left before anybody goes on."""
        if moment == PRESS:
            self._sentence = self._dashboards.sentence()
        if moment == _DRAFTS_AT:
            self._offices = prepared_offices(self._stage, self._wanted.offices)
        sending = [office for office in self._offices if office.sends_at == moment]
        for office in sending:
            office.send()
        if moment in _CLOSING_REMINDER:
            self._stage.time.stop_at(moment + _BEFORE)
            self._stage.ask_for("remind")
        if sending or moment in _CLOSING_REMINDER:
            self._pass_until(moment)

    def _check(self, moment: float) -> None:
        found = self._dashboards.compare(self._books, moment, by_command=moment in (PRESS, CLOSES))
        self._checkpoints.append(found)
        self._books.checkpoints[said(moment)] = asdict(found.books)
        agreed = "agreed" if found.agrees else f"{len(found.differences)} differ, e.g. {found.differences[0]}"
        self._tell(moment, f"{found.compared:,} figures {agreed}")

    def _pass_until(self, moment: float) -> None:
        """Let time pass, until everything up to a moment has happened and has come to rest."""
        stage = self._stage
        if _STRICT_FROM <= stage.time.now() < _STRICT_UNTIL:
            stage.time.run_until(moment, _STRICT, _LATE_THEN)
        else:
            stage.time.run_until(moment)
        while stage.time.now() < moment:
            self._turn(moment)
        # What became due by the clock has nobody woken for it yet.
        stage.ask_for("sweep")
        began = asked = time.monotonic()
        rested = 0
        while rested < 2:
            self._turn(moment, _REST)
            rested = rested + 1 if self._is_done(moment) and is_at_rest(stage) else 0
            self._post.look(min(stage.time.now(), moment))
            rested = rested if self._is_done(moment) else 0
            if time.monotonic() - asked > _ASK_AGAIN:
                asked = time.monotonic()
                self._go_on_a_little()
            if asked - began > _RESTS_WITHIN:
                raise ReplayFailed(f"the service did not come to rest within {_RESTS_WITHIN:.0f} s")
        await_turns(stage, self.lines.answered_at)

    def _go_on_a_little(self) -> None:
        """Where something waits for the clock, it goes on to that moment; and the sweep looks for what nobody was woken for."""
        until = waits_for(self._stage)
        if until is not None and until > self._stage.clock.now():
            self._stage.time.stop_at((until - MIDNIGHT).total_seconds() + 1)
        self._stage.ask_for("sweep")

    def _is_done(self, moment: float) -> bool:
        return self._callers.is_done(moment) and self._post.is_done(moment)

    def _turn(self, moment: float, wait: float = _WAIT) -> None:
        now = min(self._stage.time.now(), moment)
        self._callers.turn(now)
        self._post.turn(now)
        self.lines.turn(wait)
        self._stage.time.heed(lambda: max(self._callers.late(now), self._post.late(now)))
        if time.monotonic() - self._said_at > _SAID_EVERY:
            self._stage.check_alive()
            self._callers.look_for_replies()
            self._tell(now)

    def _tell(self, moment: float, more: str = "") -> None:
        self._said_at = time.monotonic()
        figures = self._books.whole()
        speed = moment / max(self._said_at - self._began, 1e-9)
        self._say(
            f"{said(moment)}  {figures.registered:,} registered, {figures.started:,} answered, {figures.delivered:,} "
            f"delivered to; {speed:,.0f} times real time{'; ' if more else ''}{more}"
        )
