"""What a worker that sends has in hand: requests to come and under way, answers to be written, attempts to be closed."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue

from bot.messaging.leases import Lease
from bot.messaging.requests import Request
from bot.messaging.settling import Settled
from gateway_adapters.base import Outcome

#: Requests to gateways under way at the same time, per worker: each has a thread, and another one waits behind it.
MOST_REQUESTS = 32
#: Messages in hand at the same time, per worker: what may become unknown when it is killed. One request may exceed it.
MOST_IN_HAND = 2000
#: Seconds for which answers are let come in together, while all threads have work.
_LINGER = 0.005


@dataclass(slots=True)
class Hand:
    """``open`` counts each attempt's requests that have no outcome yet; ``leases`` holds those attempts, ``submitted`` which
    of them may be handed over. ``tried_at``: the last moment at which some were marked so, known to be or not.
    ``unwritten``: messages in ``answers``. Other moments are those of the monotonic clock."""

    ready: deque[Request] = field(default_factory=deque)
    under_way: dict[Future[list[Outcome]], Request] = field(default_factory=dict)
    finished: SimpleQueue[Future[list[Outcome]]] = field(default_factory=SimpleQueue)
    open: Counter[int] = field(default_factory=Counter)
    submitted: set[int] = field(default_factory=set)
    leases: dict[int, Lease] = field(default_factory=dict)
    answers: list[Settled] = field(default_factory=list)
    unwritten: int = 0
    done: list[int] = field(default_factory=list)
    tried_at: datetime | None = None
    paced_until: float = 0.0
    gathered_at: float = 0.0
    renewed_at: float = 0.0
    claimed_at: float = 0.0
    asked_at: float = 0.0
    dry: bool = False
    last_look: bool = False
    before_last_look: Callable[[], object] = lambda: None
    #: Called once, when there is more to do than one worker can do at once; None after that.
    call_others: Callable[[], object] | None = None
    resting: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be handed over, nor on its way."""
        return not self.ready and not self.under_way

    @property
    def takes_more(self) -> bool:
        """Whether another attempt may be claimed."""
        if self.ready or len(self.under_way) >= MOST_REQUESTS:
            return False
        return sum(len(request.letters) for request in self.under_way.values()) < MOST_IN_HAND

    @property
    def is_full(self) -> bool:
        """Whether as many requests are under way as may be."""
        return len(self.under_way) >= MOST_REQUESTS * 2

    def add(self, request: Request) -> None:
        """Take a request of a claimed attempt in hand."""
        self.ready.append(request)
        self.open[request.lease.id] += 1
        self.leases[request.lease.id] = request.lease

    def start(self, request: Request, future: Future[list[Outcome]]) -> None:
        """The next request is under way."""
        self.under_way[future] = request
        future.add_done_callback(self.finished.put)

    def answered(self, pause: float) -> Iterator[tuple[Request, list[Outcome]]]:
        """The requests that have their answer, waiting ``pause`` seconds for one."""
        try:
            yield self._finish(self.finished.get(timeout=pause) if pause > 0 else self.finished.get_nowait())
            if len(self.under_way) > MOST_REQUESTS:
                # All threads are busy and have more to do: woken by each answer, we would take their time.
                time.sleep(_LINGER)
            while True:
                yield self._finish(self.finished.get_nowait())
        except Empty:
            return

    def _finish(self, future: Future[list[Outcome]]) -> tuple[Request, list[Outcome]]:
        return self.under_way.pop(future), future.result()

    def keep(self, answer: Settled) -> None:
        """Keep an answer until it is written."""
        if not self.answers:
            self.gathered_at = time.monotonic()
        self.answers.append(answer)
        self.unwritten += len(answer.letters)

    def close(self, lease: int, requests: int = 1) -> None:
        """So many requests of an attempt need nothing more; with the last one it is done, if it was submitted."""
        self.open[lease] -= requests
        if self.open[lease] <= 0:
            del self.open[lease]
            self.leases.pop(lease, None)
            if lease in self.submitted:
                self.submitted.discard(lease)
                self.done.append(lease)

    def unstarted(self, lease: int) -> list[Request]:
        """An attempt's requests that have not been started."""
        return [request for request in self.ready if request.lease.id == lease]

    def drop(self, lease: int) -> list[Request]:
        """Forget an attempt's requests that have not been started; returns them."""
        dropped = self.unstarted(lease)
        self.ready = deque(request for request in self.ready if request.lease.id != lease)
        self.close(lease, len(dropped))
        return dropped

    def written(self) -> None:
        """Everything that was answered is on record."""
        self.answers, self.unwritten, self.done = [], 0, []
