"""From the outbox to the gateways: claim and commit, mark as submitted and commit, call, write the outcomes.

One thread, the caller's, does everything with PostgreSQL and Redis; the others only call gateways. So no transaction is
open during a call, a slow gateway holds up nobody else's messages, and many outcomes are written at once.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from bot.away import Away
from bot.clock import Clock
from bot.db.database import Database
from bot.messaging import leases, settling
from bot.messaging.leases import Lease
from bot.messaging.outbox import Lane
from bot.messaging.pacing import Pace
from bot.messaging.requests import Composer, Plan, Request, plan_replies
from bot.messaging.settling import Settled
from gateway_adapters.base import Accepted, GatewayRegistry, Outcome, Outgoing, Rejected, Unknown

#: Requests to gateways under way at the same time, per worker.
MOST_REQUESTS = 32
#: Messages in hand at the same time, per worker: what may become unknown when it is killed. One request may exceed it.
MOST_IN_HAND = 2000
#: Replies claimed at a time.
_REPLIES = 64
#: Seconds: how long an outcome waits for others to be written with; how long a wait for answers lasts at most; how often
#: attempts are renewed, and campaigns asked whether they may go on.
_GATHER, _LOOK, _RENEW = 0.2, 0.1, 0.5
#: Seconds that a gateway may ask to be left alone for while messages are kept in hand.
_SHORT_REST = 2.0
#: Seconds for which outcomes are kept while PostgreSQL is away: less than a lease.
_RESCUE = 40.0


@dataclass(slots=True)
class _Hand:
    """What this worker has in hand: ``open`` counts each attempt's requests that have no outcome yet."""

    ready: deque[Request] = field(default_factory=deque)
    under_way: dict[Future[list[Outcome]], Request] = field(default_factory=dict)
    finished: SimpleQueue[Future[list[Outcome]]] = field(default_factory=SimpleQueue)
    open: Counter[int] = field(default_factory=Counter)
    submitted: set[int] = field(default_factory=set)
    leases: dict[int, Lease] = field(default_factory=dict)
    outcomes: list[Settled] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    paced_until: float = 0.0
    gathered_at: float = 0.0
    renewed_at: float = 0.0
    claimed_at: float = 0.0
    asked_at: float = 0.0
    dry: bool = False
    last_look: bool = False
    before_last_look: Callable[[], object] = lambda: None
    resting: bool = False

    @property
    def messages(self) -> int:
        return sum(len(request.letters) for request in (*self.ready, *self.under_way.values()))


class Sender:
    """Sends what is due in one lane."""

    def __init__(
        self,
        database: Database,
        gateways: GatewayRegistry,
        clock: Clock,
        lane: Lane,
        *,
        pace: Pace,
        composer: Composer | None = None,
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._clock = clock
        self._lane = lane
        self._pace = pace
        self._composer = composer
        self._threads = ThreadPoolExecutor(MOST_REQUESTS, thread_name_prefix="send")

    def run(self, goes_on: Callable[[], bool], before_last_look: Callable[[], object] = lambda: None) -> int:
        """Send until nothing is due or ``goes_on`` says no; returns how many messages were accepted.

        ``before_last_look`` is called when nothing seems to be due any more, before that is looked up once more.
        What is in hand then is finished or given back. Raises ``bot.away.Away`` and ``redis.RedisError``; what was in
        hand is found by the sweep then.
        """
        hand = _Hand(renewed_at=time.monotonic(), before_last_look=before_last_look)
        try:
            return self._work(hand, goes_on)
        except Exception:  # whatever it was: what gateways have answered must not be lost with it
            self._rescue(hand)
            raise

    def _work(self, hand: _Hand, goes_on: Callable[[], bool]) -> int:
        accepted = 0
        while True:
            going = goes_on() and not hand.resting
            if not going:
                self._give_back(hand)
            fresh = going and self._claim_if_room(hand)
            self._hand_over(hand)
            accepted += self._gather(hand, 0.0 if fresh else _LOOK)
            self._settle(hand)
            self._renew(hand)
            if not hand.ready and not hand.under_way:
                self._settle(hand, at_once=True)
                if hand.dry or not going:
                    return accepted

    def _rescue(self, hand: _Hand) -> None:
        """Something has gone away: write what gateways have answered, and give back the rest, as soon as that is possible."""
        until = time.monotonic() + _RESCUE
        while (hand.under_way or hand.outcomes or hand.ready) and time.monotonic() < until:
            with contextlib.suppress(Away):
                self._give_back(hand)
                self._gather(hand, _GATHER)
                if not hand.under_way:
                    self._settle(hand, at_once=True)
                    continue
            time.sleep(_GATHER)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    # --- within ----------------------------------------------------------------------------------------------------

    def _claim_if_room(self, hand: _Hand) -> bool:
        """Claim more if there is room for it; returns whether something was claimed."""
        if hand.ready or len(hand.under_way) >= MOST_REQUESTS or hand.messages >= MOST_IN_HAND:
            return False
        if hand.dry and hand.under_way and time.monotonic() - hand.claimed_at < _LOOK:
            return False
        claimed = self._claim(hand)
        if not claimed and not hand.last_look:
            hand.before_last_look()
            claimed = self._claim(hand)
            hand.last_look = not claimed
        elif claimed:
            hand.last_look = False
        hand.dry = not claimed
        hand.claimed_at = time.monotonic()
        return claimed

    def _claim(self, hand: _Hand) -> bool:
        """Claim what is due next; False if nothing is."""
        now = self._clock.now()
        if self._lane is Lane.REPLY:
            claimed = leases.claim_replies(self._database, now, _REPLIES)
            hand.done += [lease.id for lease, letter in claimed if letter is None]
            self._take(hand, plan_replies(self._gateways, claimed))
            return bool(claimed)
        if self._composer is None:
            raise TypeError("a lane of campaigns needs a composer")
        lease = leases.claim_campaigns(self._database, self._lane, now)
        if lease is None:
            return False
        plan = self._composer(lease, now)
        self._take(hand, plan)
        if not plan.requests and not plan.given_back:
            hand.done.append(lease.id)
        return True

    def _take(self, hand: _Hand, plan: Plan) -> None:
        for request in plan.requests:
            hand.ready.append(request)
            hand.open[request.lease.id] += 1
            hand.leases[request.lease.id] = request.lease
        for lease, letters, reason in plan.refused:
            # Not claimed for longer than it takes to say so: there is no such gateway in this process.
            hand.outcomes += [Settled(lease, each, Rejected(each.id, reason, permanent=False)) for each in letters]
            hand.done.append(lease.id)

    def _hand_over(self, hand: _Hand) -> None:
        """Start as many requests as there is room for and the pace allows."""
        self._submit(hand)
        while hand.ready and len(hand.under_way) < MOST_REQUESTS * 2:
            if hand.paced_until > time.monotonic():
                return
            request = hand.ready[0]
            if not request.paced and self._lane is not Lane.REPLY and not self._is_free(hand, request):
                slot = self._pace.take(request.gateway.name, len(request.letters), request.lease.rate)
                request.paced = slot.granted
                if slot.granted:
                    hand.asked_at = time.monotonic()
                hand.resting = slot.wait > _SHORT_REST
                if slot.wait:
                    hand.paced_until = time.monotonic() + slot.wait
                    continue
            hand.ready.popleft()
            future = self._threads.submit(_call, request)
            hand.under_way[future] = request
            future.add_done_callback(hand.finished.put)

    @staticmethod
    def _is_free(hand: _Hand, request: Request) -> bool:
        """Whether there is no limit but the gateway's own, and that has been asked about a moment ago."""
        return request.lease.rate is None and time.monotonic() - hand.asked_at < _LOOK

    def _submit(self, hand: _Hand) -> None:
        """Mark the attempts of the requests that come next as handed over; drop those that are not ours any more."""
        fresh = [lease for lease in hand.leases if lease not in hand.submitted]
        if not fresh:
            return
        ours = leases.submit(self._database, fresh, self._clock.now())
        hand.submitted |= ours
        for lost in set(fresh) - ours:
            leases.give_back(self._database, lost, self._clock.now())
            self._drop(hand, lost)

    def _gather(self, hand: _Hand, pause: float) -> int:
        """Take in the answers that have come, waiting ``pause`` seconds for one; returns how many were accepted."""
        if hand.ready:
            pause = min(pause, max(0.0, hand.paced_until - time.monotonic()))
        if not hand.under_way:
            if hand.ready:
                time.sleep(pause)
            return 0
        accepted = 0
        for future in self._finished(hand, pause):
            request = hand.under_way.pop(future)
            outcomes = {outcome.message: outcome for outcome in future.result()}
            if not hand.outcomes:
                hand.gathered_at = time.monotonic()
            for letter in request.letters:
                outcome = outcomes.get(letter.id) or Unknown(letter.id, "the gateway's answer leaves it out")
                accepted += isinstance(outcome, Accepted)
                hand.outcomes.append(Settled(request.lease, letter, outcome))
            self._rest_if_asked(request, outcomes.values())
            self._close_one(hand, request.lease.id)
        return accepted

    @staticmethod
    def _finished(hand: _Hand, pause: float) -> Iterator[Future[list[Outcome]]]:
        try:
            yield hand.finished.get(timeout=pause) if pause > 0 else hand.finished.get_nowait()
            while True:
                yield hand.finished.get_nowait()
        except Empty:
            return

    def _rest_if_asked(self, request: Request, outcomes: Iterable[Outcome]) -> None:
        throttled = [each for each in outcomes if isinstance(each, Rejected) and each.throttled]
        if throttled:
            self._pace.rest(request.gateway.name, max(outcome.retry_after or 0.0 for outcome in throttled))

    def _close_one(self, hand: _Hand, lease: int) -> None:
        hand.open[lease] -= 1
        if hand.open[lease] == 0:
            del hand.open[lease]
            hand.leases.pop(lease, None)
            hand.submitted.discard(lease)
            hand.done.append(lease)

    def _drop(self, hand: _Hand, lease: int) -> list[Outgoing]:
        """Forget an attempt's requests that have not been started; returns their letters."""
        dropped = [request for request in hand.ready if request.lease.id == lease]
        hand.ready = deque(request for request in hand.ready if request.lease.id != lease)
        hand.open[lease] -= len(dropped)
        if hand.open[lease] <= 0:
            del hand.open[lease]
            hand.leases.pop(lease, None)
            if lease in hand.submitted:
                hand.submitted.discard(lease)
                hand.done.append(lease)
        return [letter for request in dropped for letter in request.letters]

    def _settle(self, hand: _Hand, *, at_once: bool = False) -> None:
        if not hand.outcomes and not hand.done:
            return
        waited = time.monotonic() - hand.gathered_at
        if not (at_once or not hand.under_way or len(hand.outcomes) >= MOST_IN_HAND // 4 or waited >= _GATHER):
            return
        settling.settle(self._database, hand.outcomes, hand.done, self._clock.now())
        if hand.done and self._lane is Lane.REPLY:
            hand.dry = False  # the next reply to the same phone may leave now
        hand.outcomes, hand.done = [], []

    def _renew(self, hand: _Hand) -> None:
        """Say that we are still at it, and give back what a pause or the brakes have stopped."""
        if not hand.submitted or time.monotonic() - hand.renewed_at < _RENEW:
            return
        hand.renewed_at = time.monotonic()
        going_on = leases.renew(self._database, sorted(hand.submitted), self._clock.now())
        for stopped in hand.submitted - going_on:
            self._return(hand, stopped)

    def _give_back(self, hand: _Hand) -> None:
        for lease in {request.lease.id for request in hand.ready}:
            if lease in hand.submitted:
                self._return(hand, lease)
            else:
                leases.give_back(self._database, lease, self._clock.now())
                self._drop(hand, lease)

    def _return(self, hand: _Hand, lease_id: int) -> None:
        """Queue the messages of a submitted attempt that have not been started, as an attempt of their own."""
        lease = hand.leases.get(lease_id)
        letters = self._drop(hand, lease_id)
        if lease is not None and letters:
            settling.queue_again(self._database, lease, letters, self._clock.now())


def _call(request: Request) -> list[Outcome]:
    return request.gateway.send(request.letters)
