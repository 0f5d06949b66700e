"""From the outbox to the gateways: claim and commit, mark as submitted and commit, call, write the outcomes.

One thread, the caller's, does everything with PostgreSQL and Redis; the others only call gateways. So no transaction is
open during a call, a slow gateway holds up nobody else's messages, and many outcomes are written at once.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import redis
import structlog

from bot.away import Away
from bot.clock import Clock, pace_of
from bot.db.database import Database
from bot.messaging import leases, settling
from bot.messaging.doubtful import DoubtfulClaims
from bot.messaging.hand import MOST_IN_HAND, MOST_REQUESTS, Hand
from bot.messaging.outbox import Lane
from bot.messaging.pacing import Pace
from bot.messaging.requests import Composer, Plan, Request, plan_replies
from bot.messaging.settling import Settled
from bot.messaging.together import Together
from bot.metrics import AWAY, FAILURES
from gateway_adapters.base import Accepted, GatewayRegistry, Outcome, Outgoing, Rejected, Unknown

_log = structlog.get_logger(__name__)

#: Replies claimed at a time.
_REPLIES = 64
#: Seconds: how long an outcome waits for others to be written with; how long a wait for answers lasts at most; how often
#: attempts are renewed, and campaigns asked whether they may go on.
_GATHER, _LOOK, _RENEW = 0.2, 0.1, 0.5
#: Seconds that a gateway may ask to be left alone for while messages are kept in hand.
_SHORT_REST = 2.0
#: Seconds for which outcomes are kept while PostgreSQL is away: less than a lease.
_RESCUE = 40.0


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
        self._doubtful = DoubtfulClaims(database, lane)
        self._together = Together()
        self._threads = ThreadPoolExecutor(MOST_REQUESTS, thread_name_prefix="send")

    def run(
        self,
        goes_on: Callable[[], bool],
        before_last_look: Callable[[], object] = lambda: None,
        call_others: Callable[[], object] | None = None,
    ) -> int:
        """Send until nothing is due or ``goes_on`` says no; returns how many messages were accepted.

        ``before_last_look`` is called when nothing seems to be due any more, before that is looked up once more;
        ``call_others`` once, if there may be more to do than one worker can do at once.
        What is in hand then is finished or given back. Raises ``bot.away.Away`` and ``redis.RedisError``; what was in
        hand is found by the sweep then.
        """
        hand = Hand(renewed_at=time.monotonic(), before_last_look=before_last_look, call_others=call_others)
        try:
            return self._work(hand, goes_on)
        except Exception:  # whatever it was: what gateways have answered must not be lost with it
            self._rescue(hand)
            raise

    def _work(self, hand: Hand, goes_on: Callable[[], bool]) -> int:
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
            if hand.is_empty and (hand.dry or not going):
                self._settle(hand, at_once=True)
                if hand.dry or not going:
                    return accepted

    def _rescue(self, hand: Hand) -> None:
        """Something has gone away: write what gateways have answered, and give back the rest, as soon as that is possible."""
        until = time.monotonic() + _RESCUE
        while (hand.under_way or hand.answers or hand.ready) and time.monotonic() < until:
            with contextlib.suppress(Away, redis.RedisError):
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

    def _claim_if_room(self, hand: Hand) -> bool:
        """Claim more if there is room for it; returns whether something was claimed."""
        if not hand.takes_more:
            return False
        if hand.dry and hand.under_way and time.monotonic() - hand.claimed_at < _LOOK:
            return False
        if wait := self._together.wait():
            if hand.under_way:
                return False
            time.sleep(wait)
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

    def _claim(self, hand: Hand) -> bool:
        """Claim what is due next; False if nothing is."""
        self._doubtful.give_back()
        now = self._clock.now()
        try:
            return self._claim_as_of(hand, now)
        except Away:
            self._doubtful.note(now)
            raise

    def _claim_as_of(self, hand: Hand, now: datetime) -> bool:
        if self._lane is Lane.REPLY:
            claimed = leases.claim_replies(self._database, now, _REPLIES, pace_of(self._clock))
            self._together.claimed(len(claimed), most=_REPLIES)
            hand.done += [lease.id for lease, letter in claimed if letter is None]
            self._take(hand, plan_replies(self._gateways, claimed))
            if len(claimed) == _REPLIES:
                self._call_others(hand)
            return bool(claimed)
        if self._composer is None:
            raise TypeError("a lane of campaigns needs a composer")
        lease = leases.claim_campaigns(self._database, self._lane, now)
        if lease is None:
            return False
        self._call_others(hand)
        plan = self._composer(lease, now)
        self._take(hand, plan)
        if not plan.requests and not plan.given_back:
            hand.done.append(lease.id)
        return True

    @staticmethod
    def _call_others(hand: Hand) -> None:
        if hand.call_others is not None:
            call, hand.call_others = hand.call_others, None
            call()

    def _take(self, hand: Hand, plan: Plan) -> None:
        for request in plan.requests:
            hand.add(request)
        for lease, letters, reason in plan.refused:
            # Not claimed for longer than it takes to say so: there is no such gateway in this process.
            refused = [Rejected(letter.id, reason, permanent=False) for letter in letters]
            hand.keep(Settled(lease, letters, refused))
            hand.done.append(lease.id)

    def _hand_over(self, hand: Hand) -> None:
        """Start as many requests as there is room for and the pace allows."""
        self._submit(hand)
        while hand.ready and not hand.is_full:
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
            hand.start(request, self._threads.submit(_call, request))

    @staticmethod
    def _is_free(hand: Hand, request: Request) -> bool:
        """Whether there is no limit but the gateway's own, and that has been asked about a moment ago."""
        return request.lease.rate is None and time.monotonic() - hand.asked_at < _LOOK

    def _submit(self, hand: Hand) -> None:
        """Mark the attempts of the requests that come next as handed over, and write what has been answered meanwhile;
        drop those that are not ours any more."""
        fresh = [lease for number, lease in hand.leases.items() if number not in hand.submitted]
        if not fresh:
            return
        hand.tried_at = self._clock.now()
        if hand.answers and self._lane is not Lane.REPLY:
            ours = settling.settle(self._database, hand.answers, hand.done, hand.tried_at, submitting=fresh)
            hand.written()
        else:
            ours = leases.submit(self._database, fresh, hand.tried_at)
        hand.submitted |= ours
        for lost in {lease.id for lease in fresh} - ours:
            self._give_back_claimed(hand, lost)

    def _gather(self, hand: Hand, pause: float) -> int:
        """Take in what has been answered, waiting ``pause`` seconds for one; returns how many were accepted."""
        if hand.ready and not hand.is_full:
            pause = min(pause, max(0.0, hand.paced_until - time.monotonic()))
        if not hand.under_way:
            if hand.ready:
                time.sleep(pause)
            return 0
        accepted = 0
        for request, answer in hand.answered(pause):
            outcomes = _in_order(request.letters, answer)
            hand.keep(Settled(request.lease, request.letters, outcomes))
            hand.close(request.lease.id)
            others = [outcome for outcome in outcomes if not isinstance(outcome, Accepted)]
            accepted += len(outcomes) - len(others)
            if others:
                self._heed(request, others)
        return accepted

    def _heed(self, request: Request, others: Sequence[Rejected | Unknown]) -> None:
        """Leave a gateway alone that asks for it, and do not count what it refused."""
        throttled = [each for each in others if isinstance(each, Rejected) and each.throttled]
        if throttled:
            self._pace.rest(request.gateway.name, max(outcome.retry_after or 0.0 for outcome in throttled))
        refused = {each.message for each in others if isinstance(each, Rejected)}
        self._take_back(request, [letter for letter in request.letters if letter.id in refused])

    def _take_back(self, request: Request, letters: Sequence[Outgoing]) -> None:
        """Free what these letters count against caps; where PostgreSQL is away they go on counting, on the cheap side."""
        if self._composer is None or not letters:
            return
        try:
            self._composer.take_back(request, letters)
        except Away as error:
            AWAY.labels("take_back").inc()
            _log.warning("caps_not_freed", reason=type(error).__name__)

    def _settle(self, hand: Hand, *, at_once: bool = False) -> None:
        if not hand.answers and not hand.done:
            return
        waited = time.monotonic() - hand.gathered_at
        if not (at_once or not hand.under_way or hand.unwritten >= MOST_IN_HAND // 4 or waited >= _GATHER):
            return
        if not at_once and waited < _GATHER and self._lane is not Lane.REPLY and hand.takes_more and not hand.dry:
            return  # written with the submission of what is claimed next: one wait for the disk instead of two
        settling.settle(self._database, hand.answers, hand.done, self._clock.now())
        if hand.done and self._lane is Lane.REPLY:
            hand.dry = False  # the next reply to the same phone may leave now
        hand.written()

    def _renew(self, hand: Hand) -> None:
        """Say that we are still at it, and give back what a pause or the brakes have stopped."""
        if not hand.submitted or time.monotonic() - hand.renewed_at < _RENEW:
            return
        hand.renewed_at = time.monotonic()
        going_on = leases.renew(self._database, sorted(hand.submitted), self._clock.now())
        for stopped in hand.submitted - going_on:
            self._return(hand, stopped)

    def _give_back(self, hand: Hand) -> None:
        for lease in {request.lease.id for request in hand.ready}:
            if lease in hand.submitted:
                self._return(hand, lease)
            else:
                self._give_back_claimed(hand, lease)

    def _give_back_claimed(self, hand: Hand, lease: int) -> None:
        """Queue an attempt again that has not been submitted, or may have been by a statement that got no answer."""
        leases.give_back(self._database, hand.leases[lease], self._clock.now(), hand.tried_at)
        for request in hand.drop(lease):
            self._take_back(request, request.letters)

    def _return(self, hand: Hand, lease_id: int) -> None:
        """Queue the messages of a submitted attempt that have not been started, as an attempt of their own."""
        lease = hand.leases.get(lease_id)
        letters = [letter for request in hand.unstarted(lease_id) for letter in request.letters]
        # First on record, then out of hand: where PostgreSQL is away, it is tried again.
        if lease is not None and letters:
            settling.queue_again(self._database, lease, letters, self._clock.now())
        for request in hand.drop(lease_id):
            self._take_back(request, request.letters)


def _call(request: Request) -> list[Outcome]:
    try:
        return request.gateway.send(request.letters)
    except Exception as error:  # noqa: BLE001 - an adapter raises nothing; if one does, nobody knows what has left
        FAILURES.labels("send").inc()
        _log.error("gateway_raised", gateway=request.gateway.name, error=type(error).__name__)
        return [Unknown(letter.id, "the adapter failed") for letter in request.letters]


def _in_order(letters: Sequence[Outgoing], outcomes: list[Outcome]) -> list[Outcome]:
    """An outcome for each letter, whatever an adapter may have left out or mixed up."""
    if [outcome.message for outcome in outcomes] == [letter.id for letter in letters]:
        return outcomes
    told = {outcome.message: outcome for outcome in outcomes}
    return [told.get(letter.id) or Unknown(letter.id, "the gateway's answer leaves it out") for letter in letters]
