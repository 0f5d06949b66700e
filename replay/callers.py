"""People with phones: each reads what the service shows or texts, and types what their plan says for that screen.

Whatever the machine does, a person comes to the same end: who is told that the service is busy, or gets no answer, dials again
at once; a screen that the plan does not know of (a place that was held too long, say) is answered as anybody would.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import quote_plus

from replay.books import Books
from replay.lines import Lines
from replay.plans import Goal, Plan, Step
from replay.screens import ENDS, NOTICES, UNHEARD, state_of

#: The kind of their requests at the lines.
HOPS: Final = 0
#: Inputs of one visit at most; seconds of the machine after which somebody dials again, or wonders where a reply is.
_MOST_INPUTS, _AGAIN, _NO_REPLY = 40, 0.3, 60.0
#: Who texts is not at a screen that waits: being late by a minute matters as little to them as so much of it to who dials.
_PATIENT: Final = 0.2
#: What anybody types at a screen that the plan does not foresee.
_FORWARD: Final = {
    "confirm": "1",
    "screening": "1",
    "offer": "1",
    "next_offer": "1",
    "which": "1",
    "times": "1",
    "places": "1",
    "deferred_before": "1",
    "session_full": "1",
    "no_times": "1",
}


@dataclass(slots=True)
class _Caller:
    plan: Plan
    visit: int = 0
    left: tuple[Step, ...] = ()
    last: Step | None = None
    session: str = ""
    text: str = ""
    inputs: int = 0
    #: The moment of the plan that was reached.
    moment: float = 0.0
    #: By SMS: when the last text went out, by the machine's clock; 0 while no reply is awaited.
    texted: float = 0.0


class Callers:
    """Everybody of whom there is a plan. ``paths``: the webhooks for hops and texts."""

    def __init__(self, plans: list[Plan], lines: Lines, books: Books, hops_to: str, texts_to: str) -> None:
        self._lines = lines
        self._books = books
        self._hops_to, self._texts_to = hops_to, texts_to
        self._order = 0
        self._due: list[tuple[float, int, _Caller]] = []
        self._again: list[tuple[float, int, _Caller]] = []
        self._awaiting: dict[str, _Caller] = {}
        self._flying: dict[int, float] = {}
        self.seen: Counter[str] = Counter()
        self.odd: Counter[str] = Counter()
        #: What each of the roster saw last, by number.
        self.last_seen: dict[int, str] = {}
        for plan in plans:
            self._plan_visit(_Caller(plan))

    def turn(self, now: float) -> None:
        """Have everybody do what they mean to do up to ``now``."""
        while self._due and self._due[0][0] <= now:
            _, _, caller = heapq.heappop(self._due)
            caller.moment = max(caller.moment, _planned(caller))
            if caller.inputs == 0:
                self._begin(caller)
            else:
                self._type(caller, self._next(caller))
        moment = time.monotonic()
        while self._again and self._again[0][0] <= moment:
            self._begin(heapq.heappop(self._again)[2])

    def late(self, now: float) -> float:
        """Seconds of the day by which the first who is kept waiting is late."""
        texting = min((each.left[0].at for each in self._awaiting.values() if each.left), default=now)
        return max(now - min(self._flying.values(), default=now), (now - texting) * _PATIENT)

    def is_done(self, until: float) -> bool:
        """Whether everything that was meant up to a moment has been done and answered."""
        due = self._due and self._due[0][0] <= until
        return not (due or self._again or self._awaiting or self._lines.under_way(HOPS))

    def texted(self, phone: str, body: str) -> None:
        """A text has reached a phone."""
        caller = self._awaiting.get(phone)
        if caller is None:
            return
        state = state_of(body)
        if state in NOTICES:
            return
        del self._awaiting[phone]
        caller.texted = 0.0
        self._sees(caller, state)

    def look_for_replies(self) -> None:
        """Give up on replies that have not come for a minute of the machine."""
        for phone, caller in list(self._awaiting.items()):
            if time.monotonic() - caller.texted > _NO_REPLY:
                del self._awaiting[phone]
                self.odd["no reply came"] += 1
                self._over(caller)

    # --- within ----------------------------------------------------------------------------------------------------

    def _plan_visit(self, caller: _Caller) -> None:
        visit = caller.plan.visits[caller.visit]
        caller.left, caller.inputs, caller.text = visit.steps, 0, ""
        self._later(visit.at, caller)

    def _later(self, moment: float, caller: _Caller) -> None:
        self._order += 1
        heapq.heappush(self._due, (moment, self._order, caller))

    def _begin(self, caller: _Caller) -> None:
        """Dial, or text for the first time."""
        caller.inputs += 1
        if caller.plan.by_sms:
            self._text(caller, self._next(caller))
            return
        self._order += 1
        caller.session, caller.text = f"ATUid_replay{self._order:010d}", ""
        self._hop(caller)

    def _next(self, caller: _Caller) -> str:
        caller.last, caller.left = caller.left[0], caller.left[1:]
        return caller.last.says

    def _type(self, caller: _Caller, says: str) -> None:
        caller.inputs += 1
        if caller.plan.by_sms:
            self._text(caller, says)
            return
        caller.text = f"{caller.text}*{says}" if caller.text else says
        self._hop(caller)

    def _hop(self, caller: _Caller) -> None:
        body = (
            f"sessionId={caller.session}&phoneNumber=%2B{caller.plan.phone[1:]}&networkCode=51010"
            f"&serviceCode=%2A384%2A119%23&text={quote_plus(caller.text)}"
        )
        self._flying[id(caller)] = caller.moment
        self._lines.post(HOPS, self._hops_to, body, partial(self._answered, caller))

    def _text(self, caller: _Caller, says: str) -> None:
        self._order += 1
        body = (
            f"id=replay-{self._order:010d}&from=%2B{caller.plan.phone[1:]}&to=1199&text={quote_plus(says)}"
            "&date=2021-01-13+00%3A00%3A00"
        )
        self._send_text(caller, body)

    def _send_text(self, caller: _Caller, body: str) -> None:
        caller.texted = time.monotonic()
        self._awaiting[caller.plan.phone] = caller

        def acknowledged(answer: str | None) -> None:
            if answer is None:  # the operator delivers it again
                self._send_text(caller, body)

        self._lines.post(HOPS, self._texts_to, body, acknowledged)

    def _answered(self, caller: _Caller, answer: str | None) -> None:
        del self._flying[id(caller)]
        if answer is None or not answer.startswith(("CON ", "END ")):
            self._redial(caller)
            return
        self._sees(caller, state_of(answer))

    def _redial(self, caller: _Caller) -> None:
        self.odd["dialled again at once"] += 1
        if caller.last is not None:  # nobody knows whether it was heard
            caller.left, caller.last = (caller.last, *caller.left), None
        self._order += 1
        heapq.heappush(self._again, (time.monotonic() + _AGAIN, self._order, caller))

    def _sees(self, caller: _Caller, state: str) -> None:
        self.seen[state] += 1
        plan, visit = caller.plan, caller.plan.visits[caller.visit]
        if state == "busy" and not plan.by_sms:
            self._redial(caller)
            return
        caller.last = None
        number = None if plan.worker is None else plan.worker.number
        if number is not None:
            self.last_seen[number] = state
        self._books.saw(number, plan.phone, state, caller.moment)
        if state in ENDS:
            self._over(caller)
            return
        place = next((place for place, step in enumerate(caller.left) if step.state == state), None)
        if place is not None:
            caller.left = caller.left[place:]
            self._later(caller.left[0].at, caller)
        elif state == "booked" or (not caller.left and visit.goal is Goal.HANG_UP):
            # Whoever lost the line when they took a place, and sees it when they dial again, has what they came for.
            self._over(caller)
        elif state == UNHEARD or caller.inputs > _MOST_INPUTS:
            self.odd[f"stuck at {state}"] += 1
            self._over(caller)
        else:
            # Asked once more, after a line that dropped for long, people say again what they said.
            said = [step.says for step in visit.steps if step.state == state]
            self._type(caller, said[-1] if said else _FORWARD.get(state, plan.birth_date))

    def _over(self, caller: _Caller) -> None:
        """The visit is over; the next one, if there is one, begins when it is meant to."""
        caller.visit += 1
        if caller.visit < len(caller.plan.visits):
            self._plan_visit(caller)


def _planned(caller: _Caller) -> float:
    return caller.left[0].at if caller.inputs else caller.plan.visits[caller.visit].at
