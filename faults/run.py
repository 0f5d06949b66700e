"""One run: a campaign of some thousands and three hundred subscribers under a schedule of faults, from one seed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.people import choose_callers
from bench.stage import HOST
from bot.clock import FileClock
from bot.db.database import Database
from bot.serve.address import unready
from faults.carrier import Carrier
from faults.journal import REFUSED, SILENCE, SORRY, Journal
from faults.judge import Verdict, judge
from faults.kinds import Kind
from faults.probing import Probes
from faults.stage import Stage, staged
from faults.subscribers import Inboxes, Subscriber, all_register

#: Seconds that the service may take to start, and until everything has settled after the last fault.
_STARTS_WITHIN, _SETTLES_WITHIN = 90.0, 240.0
#: Seconds of peace between having recovered and the next fault; and for how long it is watched at least whether all is
#: well, by what a fault hits: a reply that waits is late only after a while.
_PEACE = (0.5, 1.5)
_WATCHED = {"answers": 1.5, "sending": 4.0}
#: Seconds within which a fault's effects must be over.
RECOVERS_WITHIN = 5.0
_TURN = 0.1
#: Seconds on top of the deadline that the measurement itself may cost on a busy machine.
_GRACE = 0.5
BLAST = "blast: daftar vaksinasi, hubungi *119# atau balas dengan tanggal lahir."


@dataclass(frozen=True, slots=True)
class Wanted:
    """How large a run is. ``kinds``: the faults, in any order; the seed orders them."""

    seed: int
    kinds: Sequence[Kind]
    workers: int = 5000
    subscribers: int = 300


@dataclass(frozen=True, slots=True)
class Done:
    """A fault that was made: what callers saw while it lasted and until the next, and seconds until all was well again
    after its end (None: not before the next). ``during``: what they saw until its end."""

    kind: Kind
    saw: dict[str, int]
    during: dict[str, int]
    slowest: float
    recovered: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """A run. ``slowest``: seconds of the slowest answer of a webhook, of all; ``late``: how many came after the deadline."""

    wanted: Wanted
    faults: tuple[Done, ...]
    verdict: Verdict
    slowest: float
    late: int
    requests: int
    took: float

    @property
    def kept(self) -> bool:
        """Whether nothing was lost, doubled or overbooked, and what is harmless did no harm, however long it took."""
        return self.verdict.right and not any(harm(each, REFUSED, SILENCE) for each in self.faults)

    @property
    def right(self) -> bool:
        """Whether every promise was kept, also those of time."""
        recovered = all(each.recovered is not None and each.recovered <= RECOVERS_WITHIN for each in self.faults)
        return self.kept and not self.late and recovered and not any(harm(each, SORRY) for each in self.faults)


def harm(fault: Done, *kinds: str) -> int:
    """How many requests came to one of these kinds of answers while what nobody may notice went on."""
    return sum(fault.during.get(kind, 0) for kind in kinds) if fault.kind.harmless else 0


def run(wanted: Wanted, folder: Path, say: Callable[[str], None]) -> Result:
    """Make a run in an empty folder; call from the main thread. Raises ``RuntimeError`` or ``OSError``."""
    began = time.monotonic()
    chance = random.Random(wanted.seed)
    with staged(folder, wanted.workers, say) as stage:
        _await_ready(stage)
        journal = Journal()
        carrier = Carrier(stage.port, stage.environ["WEBHOOK_SECRET"], journal, random.Random(chance.getrandbits(64)))
        inboxes = Inboxes(stage.stub.log)
        probes = Probes(
            carrier, Database(stage.servers.urls.database_url, size=1, limit=1.0), FileClock(stage.clock_file)
        )
        kinds = list(wanted.kinds)
        chance.shuffle(kinds)
        length = sum(kind.lasts + _WATCHED[kind.hits] + sum(_PEACE) / 2 for kind in kinds)
        people = [
            Subscriber(number, birth_date, chance.random() < 0.3, carrier, journal, inboxes)
            for number, birth_date in choose_callers(stage.servers.urls.database_url, wanted.subscribers)
        ]
        _send_blast(stage, say)
        lives = all_register(people, length, chance)
        probes.start()
        spans: list[tuple[Kind, float, float]] = []
        for kind in kinds:
            # What nobody may notice is not to be blamed for what was before it.
            _wait(stage, inboxes, chance.uniform(*_PEACE) + (RECOVERS_WITHIN if kind.harmless else 0.0))
            say(f"{kind.words}")
            start = time.monotonic()
            with kind.body(stage, carrier.habits):
                _wait(stage, inboxes, kind.lasts)
            spans.append((kind, start, time.monotonic()))
            _watch(stage, inboxes, probes, kind)
        say("waiting until everybody is done and everything has settled")
        until = time.monotonic() + _SETTLES_WITHIN
        while time.monotonic() < until and (any(life.is_alive() for life in lives) or not _settled(stage)):
            _wait(stage, inboxes, 0.5)
        probes.stop()
        faults = tuple(_done(spans, place, journal, probes) for place in range(len(spans)))
        deadline = float(stage.environ.get("WEBHOOK_DEADLINE_MS", "3000")) / 1000 + _GRACE
        return Result(
            wanted=wanted,
            faults=faults,
            verdict=judge(
                stage.database, stage.stub.log, journal, wanted.subscribers, FileClock(stage.clock_file).now()
            ),
            slowest=max(each.took for each in journal.exchanges),
            late=sum(each.took > deadline for each in journal.exchanges),
            requests=len(journal.exchanges),
            took=time.monotonic() - began,
        )


def _await_ready(stage: Stage) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while unready(HOST, stage.port) is not None:
        if time.monotonic() > until or stage.service.poll() is not None:
            raise RuntimeError(f"the service did not start; see {stage.folder}/service.log")
        time.sleep(_TURN)


def _wait(stage: Stage, inboxes: Inboxes, seconds: float) -> None:
    """Let time pass; meanwhile dead servers are started again, and texts reach their phones."""
    until = time.monotonic() + seconds
    while True:
        stage.servers.tend()
        inboxes.turn()
        left = until - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(_TURN, left))


def _watch(stage: Stage, inboxes: Inboxes, probes: Probes, kind: Kind) -> None:
    """From a fault's end until all is well again, or should have been long ago."""
    end = time.monotonic()
    while (watched := time.monotonic() - end) < 2 * RECOVERS_WITHIN:
        _wait(stage, inboxes, 0.25)
        recovered = _recovered(probes, kind, end, time.monotonic())
        if recovered is not None and watched > max(_WATCHED[kind.hits], recovered + 0.8):
            return


def _recovered(probes: Probes, kind: Kind, end: float, until: float) -> float | None:
    """Seconds from a fault's ``end`` until all was well again; None if it was not before ``until``."""
    answering = probes.answering_again(end, until)
    if kind.hits == "answers" or answering is None:
        return answering
    sending = probes.sending_again(end, until)
    return None if sending is None else max(sending, answering)


def _send_blast(stage: Stage, say: Callable[[str], None]) -> None:
    say("sending a blast to everybody")
    text = ["--text-id", BLAST, "--rate", "60", "--ignore-quiet-hours"]
    stage.bot("campaign", "create", "blast", "--audience", "{}", *text)
    stage.bot("campaign", "send", "blast", "--no-wait")


def _settled(stage: Stage) -> bool:
    """Whether nothing is under way any more."""
    waiting = stage.database.value(
        "SELECT (SELECT count(*) FROM attempt WHERE state IN ('queued', 'claimed', 'submitted')) "
        "+ (SELECT count(*) FROM inbound WHERE state = 'received')"
    )
    return int(waiting) == 0 and not any((stage.folder / "spool").glob("[0-9][0-9]/*"))


def _done(spans: Sequence[tuple[Kind, float, float]], place: int, journal: Journal, probes: Probes) -> Done:
    kind, start, end = spans[place]
    after = spans[place + 1][1] if place + 1 < len(spans) else end + 2 * RECOVERS_WITHIN
    seen = journal.between(start, after)
    recovered = _recovered(probes, kind, end, after)
    saw = Counter(each.came_to for each in seen)
    during = Counter(each.came_to for each in journal.between(start, end))
    return Done(kind, dict(saw), dict(during), max((each.took for each in seen), default=0.0), recovered)
