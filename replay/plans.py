"""What somebody means to do this day: when they come, what they type at which screen, and where they stop.

Everything is drawn from the seed and the person alone. Moments are seconds since midnight in Jakarta; they lie far enough
from every limit of the service (holds, sessions that are gone on with, locks) that an answer that comes a little later
changes nothing of what becomes of somebody.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice
from random import Random

from replay.curve import CLOSES, LAST, arrival, at
from replay.people import Roster, Worker

#: Of those who come, the share that ... Their sources are the field's reports of such nights and common sense.
TEXTS, TYPES_MULAI, STOPS_SMS = 0.18, 0.2, 0.004
WRONG_ONCE, WRONG_TWICE, LOCKED, GARBLES = 0.08, 0.03, 0.003, 0.05
DROPPED, COMES_LATER, GIVES_UP = 0.08, 0.04, 0.10
DEFERRED, OTHER_TIME, OTHER_PLACE, NOT_ME = 0.05, 0.06, 0.02, 0.003
LOOKS_AGAIN, CANCELS = 0.02, 0.004
UNLISTED, TOO_LATE = 0.01, 0.004
#: Seconds that somebody takes to read and to type: at a USSD screen, by SMS, and where a place is held for five minutes.
_READS, _TEXTS, _HURRIES = (4.0, 14.0), (90.0, 600.0), (45.0, 200.0)
#: Seconds until a line that dropped is dialled again, within those in which a session is gone on with; until somebody who
#: went away comes back, well after that; until a lock of an hour is over.
_REDIALS, _AWAY, _LOCK = (40.0, 420.0), (2400.0, 21_600.0), (4500.0, 7200.0)
#: Who comes from then on dials: by SMS they would not be through in time.
_SMS_UNTIL, _NO_LATER_THAN = at(22, 30), CLOSES + 150.0
_WRONG_ANSWERS = 5


class Goal(enum.Enum):
    """When a visit is over: at a last screen, or when all that was meant has been typed."""

    END = enum.auto()
    HANG_UP = enum.auto()


@dataclass(frozen=True, slots=True)
class Step:
    """What is typed at a screen, and when."""

    state: str
    says: str
    at: float


@dataclass(frozen=True, slots=True)
class Visit:
    """A call, or an exchange of texts. ``at``: when it begins; by SMS the first step's words begin it."""

    at: float
    steps: tuple[Step, ...]
    goal: Goal = Goal.END


@dataclass(frozen=True, slots=True)
class Plan:
    """A person's day. ``worker``: None for somebody on no list. ``birth_date``, ``nik``: as typed.

    ``registers_at``, ``cancels_at``: when they mean to have a ticket, and give it back.
    """

    worker: Worker | None
    phone: str
    birth_date: str
    nik: str
    by_sms: bool
    visits: tuple[Visit, ...]
    registers_at: float | None = None
    cancels_at: float | None = None


def plans_for(roster: Roster, registrations: int, press: float) -> list[Plan]:
    """The day of so many people that ``registrations`` of them hold a ticket at the moment ``press``.

    Raises ``ValueError`` where the roster is too small for that.
    """
    chance = Random(f"replay {roster.seed} {len(roster.workers)}")
    order = list(range(len(roster.workers)))
    chance.shuffle(order)
    plans: list[Plan] = []
    held, shared = 0, set[str]()
    coming = iter(order)
    for number in coming:
        worker = roster.workers[number]
        if worker.own in roster.sharing:
            # Two who share a phone do not talk at the same time: one of them comes.
            if worker.own in shared or _are_alike(roster, worker):
                continue
            shared.add(worker.own)
        plan = plan_of(roster, worker, chance)
        plans.append(plan)
        if plan.registers_at is not None and plan.registers_at <= press:
            held += plan.cancels_at is None or plan.cancels_at > press
            if held == registrations:
                break
    else:
        raise ValueError(f"of {len(order):,} workers {held:,} register by then: ask for fewer, or for more workers")
    plans += [_of_nobody(roster, number, chance) for number in range(round(len(plans) * UNLISTED))]
    rest = (roster.workers[number] for number in coming)
    late = (worker for worker in rest if not worker.is_stranger and worker.own not in roster.sharing)
    plans += [_too_late(worker, chance) for worker in islice(late, round(len(plans) * TOO_LATE))]
    return sorted(plans, key=lambda plan: (plan.visits[0].at, plan.phone))


def _are_alike(roster: Roster, worker: Worker) -> bool:
    """Whether a birth date does not tell those who share a phone apart."""
    mates = [roster.workers[number].birth_date for number in roster.sharing[worker.own]]
    return len(set(mates)) < len(mates)


def plan_of(roster: Roster, worker: Worker, chance: Random) -> Plan:
    """The day of somebody on the roster."""
    typed = f"{worker.birth_date:%d%m%Y}"
    begins = arrival(chance)
    by_sms = chance.random() < TEXTS and begins < _SMS_UNTIL
    blank = Plan(worker, worker.own, typed, worker.nik, by_sms, ())
    if by_sms and chance.random() < STOPS_SMS:
        return replace(blank, visits=(Visit(begins, (Step("", "BERHENTI", begins),)),))
    if not by_sms and worker.own not in roster.sharing and not worker.is_stranger and chance.random() < LOCKED:
        wrong = [("birth_date", _wrong(worker.birth_date, number)) for number in range(_WRONG_ANSWERS)]
        locked = _visit(begins, wrong, by_sms=False, chance=chance)
        back = locked.steps[-1].at + chance.uniform(*_LOCK)
        again = [_visit(back, _road(worker), by_sms=False, chance=chance)] if back < LAST else []
        return _timed(replace(blank, visits=(locked, *again)), _ends(worker, "ticket" if again else ""))
    road, end = list(_wayward(roster, worker, chance)), "ticket"
    if chance.random() < NOT_ME:
        road, end = [*_until(road, "confirm"), ("confirm", "3")], "not_me_kept"
    elif chance.random() < DEFERRED:
        road, end = [*_until(road, "screening"), ("screening", "2"), ("which", str(chance.randint(1, 6)))], "deferred"
    if by_sms and chance.random() < TYPES_MULAI:
        road.insert(0, ("", "MULAI"))
    visits, end = _interrupted(begins, road, end, by_sms=by_sms, chance=chance)
    plan = _timed(replace(blank, visits=visits), _ends(worker, end))
    return plan if worker.is_stranger or plan.registers_at is None else _afterwards(plan, worker, roster, chance)


_Road = list[tuple[str, str]]


def _proof(worker: Worker) -> _Road:
    typed = f"{worker.birth_date:%d%m%Y}"
    if worker.is_stranger:
        return [("nik", worker.nik), ("birth_date_after_nik", typed)]
    return [("birth_date", typed)]


def _road(worker: Worker) -> _Road:
    """The shortest road."""
    return [*_proof(worker), ("confirm", "1"), ("screening", "1"), ("offer", "1")]


def _wayward(roster: Roster, worker: Worker, chance: Random) -> Iterator[tuple[str, str]]:
    """The road with the slips that people make on it."""
    slips = chance.random()
    wrong = 1 if slips < WRONG_ONCE else 2 if slips < WRONG_ONCE + WRONG_TWICE else 0
    garbles = chance.randrange(5) if chance.random() < GARBLES else None
    wish = chance.random()
    for place, (state, says) in enumerate(_road(worker)):
        if state == "birth_date" and worker.own not in roster.sharing:
            yield from ((state, _wrong(worker.birth_date, number)) for number in range(wrong))
        if place == garbles:
            yield state, "??" if state in {"nik", "birth_date", "birth_date_after_nik"} else "7"
        if state == "offer" and wish < OTHER_TIME:
            yield from ((state, "3"), ("times", "1"))
        elif state == "offer" and wish < OTHER_TIME + OTHER_PLACE:
            yield from ((state, "2"), ("places", "1"), ("times", "1"))
        yield state, says


def _wrong(born: date, number: int) -> str:
    """A real date that is not theirs, another one for each number."""
    return f"{born - timedelta(days=31 * (number + 1)):%d%m%Y}"


def _until(road: _Road, state: str) -> _Road:
    return road[: next(place for place, (asked, _) in enumerate(road) if asked == state)]


def _interrupted(
    begins: float, road: _Road, end: str, *, by_sms: bool, chance: Random
) -> tuple[tuple[Visit, ...], str]:
    """The road walked at once, with a line that drops, with hours in between, or not to its end: and where that is."""
    drawn, cut = chance.random(), chance.randrange(1, len(road)) if len(road) > 1 else 0
    if not cut or drawn >= DROPPED + COMES_LATER + GIVES_UP:
        return (_visit(begins, road, by_sms=by_sms, chance=chance),), end
    # Half of those who stop do so at the first screen, which wants to know something of them.
    if drawn < GIVES_UP:
        cut = cut if chance.random() < 0.5 else 0
        left = [("", "MULAI")] if by_sms and not cut else road[:cut]
        return (_visit(begins, left, by_sms=by_sms, chance=chance, goal=Goal.HANG_UP),), ""
    if by_sms:
        # A text is answered when there is time for it: the conversation waits for two days.
        return (_visit(begins, road, by_sms=True, chance=chance),), end
    first = _visit(begins, road[:cut], by_sms=False, chance=chance, goal=Goal.HANG_UP)
    away = drawn >= GIVES_UP + DROPPED
    back = first.steps[-1].at + chance.uniform(*(_AWAY if away else _REDIALS))
    if back >= LAST:
        return (first,), ""
    # Who comes back after hours is asked anew who they are, and what is not asked again is not typed again.
    again = [*(road[:cut] if away else ()), *road[cut:]]
    return (first, _visit(back, again, by_sms=False, chance=chance)), end


def _visit(begins: float, road: _Road, *, by_sms: bool, chance: Random, goal: Goal = Goal.END) -> Visit:
    moment, steps = begins, list[Step]()
    for place, (state, says) in enumerate(road):
        if not by_sms or place:
            moment += chance.uniform(*(_READS if not by_sms else _HURRIES if state == "offer" else _TEXTS))
        steps.append(Step(state, says, moment))
    return Visit(begins, tuple(steps), goal)


def _ends(worker: Worker, end: str) -> str:
    """Where somebody comes to, who may be too young or too old."""
    age = (date(2021, 1, 13) - worker.birth_date).days / 365.2425
    return end if 18 <= age < 60 else ""


def _timed(plan: Plan, end: str) -> Plan:
    """The plan with what it comes to; of what would be too late for registration's end nothing is left."""
    last = plan.visits[-1].steps[-1].at if plan.visits[-1].steps else plan.visits[-1].at
    if last <= _NO_LATER_THAN:
        return replace(plan, registers_at=last if end == "ticket" else None)
    kept = [replace(visit, goal=Goal.HANG_UP) for visit in plan.visits if visit.at < LAST]
    shorter = [replace(visit, steps=tuple(step for step in visit.steps if step.at <= _NO_LATER_THAN)) for visit in kept]
    return replace(plan, visits=tuple(shorter))


def _afterwards(plan: Plan, worker: Worker, roster: Roster, chance: Random) -> Plan:
    """Some look at their ticket once more, and some give it back."""
    drawn, pause = chance.random(), chance.uniform(*_AWAY)
    assert plan.registers_at is not None
    back = plan.registers_at + pause
    if drawn >= LOOKS_AGAIN or back >= LAST or worker.own in roster.sharing or plan.by_sms:
        return plan
    proof = _proof(worker)
    cancels = drawn < CANCELS
    road = [*proof, ("booked", "2"), ("cancel_sure", "1")] if cancels else proof
    visit = _visit(back, road, by_sms=False, chance=chance, goal=Goal.END if cancels else Goal.HANG_UP)
    ends = visit.steps[-1].at
    return replace(plan, visits=(*plan.visits, visit), cancels_at=ends if cancels else None)


def _of_nobody(roster: Roster, number: int, chance: Random) -> Plan:
    """Somebody who is on no list, says so, and is written down."""
    phone, nik, born = roster.unlisted(number)
    typed = f"{born:%d%m%Y}"
    road = [("nik", nik), ("birth_date_after_nik", typed), ("birth_date_after_nik", "2")]
    return Plan(
        None, phone, typed, nik, False, (_visit(min(arrival(chance), LAST - 300), road, by_sms=False, chance=chance),)
    )


def _too_late(worker: Worker, chance: Random) -> Plan:
    """Somebody who comes when registration is closed."""
    visit = Visit(CLOSES + chance.uniform(120, 480), ())
    return Plan(worker, worker.own, f"{worker.birth_date:%d%m%Y}", "", False, (visit,))
