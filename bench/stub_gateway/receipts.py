"""Delivering receipts: late, twice, out of order, and at a settable rate, on a few kept connections."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlencode, urlsplit

from bench.stub_gateway import africastalking, twilio
from bench.stub_gateway.behaviour import Behaviour, Chance
from bench.stub_gateway.message_log import Taken

_CONNECTIONS = 8
#: Seconds between two looks at what is due; seconds that a callback may take; how often one is tried.
_TICK, _PATIENCE, _TRIES = 0.01, 15.0, 3


@dataclass(frozen=True, slots=True)
class _Receipt:
    gateway: str
    url: str
    number: str
    message_id: str
    final: bool
    delivered: bool


@dataclass(slots=True)
class Accounts:
    """How many receipts have been delivered, how many were given up."""

    delivered: int = 0
    failed: int = 0


class Receipts:
    """Plans receipts for what was taken, and delivers them while ``run`` runs.

    ``africastalking_to``: the address that the account's owner has entered. Twilio's come with each message, and are
    signed with ``auth_token``. ``settled(number, sid, delivered=...)`` hears of the end of Twilio's messages.
    """

    def __init__(self, africastalking_to: str, auth_token: str, settled: Callable[..., None]) -> None:
        self.accounts = Accounts()
        self._africastalking_to = africastalking_to
        self._auth_token = auth_token
        self._settled = settled
        self._per_second = 1.0
        self._waiting: list[tuple[float, int, _Receipt]] = []
        self._numbers = itertools.count()
        self._due: asyncio.Queue[_Receipt] = asyncio.Queue()
        self._under_way = 0

    @property
    def waiting(self) -> int:
        """Receipts that have not been delivered yet."""
        return len(self._waiting) + self._due.qsize() + self._under_way

    def plan(self, taken: Taken, behaviour: Behaviour, chance: Chance) -> None:
        """Plan the receipts of what was taken."""
        self._per_second = behaviour.receipts_per_second
        url = taken.receipts_to or (self._africastalking_to if taken.gateway == africastalking.GATEWAY else "")
        if not url:
            return
        draw, now, delay = chance.random.random, time.monotonic(), behaviour.receipt_delay
        for number, message_id in zip(taken.numbers, taken.ids, strict=True):
            if draw() >= behaviour.receipts:
                continue
            sent = now + draw() * delay
            ended = sent + draw() * delay
            if draw() < behaviour.receipts_swapped:
                sent, ended = ended, sent
            delivered = draw() >= behaviour.undelivered
            for due, final in ((sent, False), (ended, True)):
                receipt = _Receipt(taken.gateway, url, number, message_id, final, delivered)
                self._wait(due, receipt)
                if draw() < behaviour.receipts_twice:
                    self._wait(due + draw() * delay, receipt)

    def forget(self) -> None:
        """Deliver nothing of what is still planned."""
        self._waiting.clear()
        while not self._due.empty():
            self._due.get_nowait()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_CONNECTIONS):
                tasks.create_task(self._deliver())
            await self._release()

    def _wait(self, due: float, receipt: _Receipt) -> None:
        heapq.heappush(self._waiting, (due, next(self._numbers), receipt))

    async def _release(self) -> None:
        """Let what is due go, at the rate."""
        allowed, before = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(_TICK if self._waiting else 5 * _TICK)
            now = time.monotonic()
            # What could not be used is not saved up, save for one tick's worth.
            allowed = min(allowed, max(1.0, self._per_second * _TICK)) + (now - before) * self._per_second
            before = now
            while allowed >= 1 and self._waiting and self._waiting[0][0] <= now:
                allowed -= 1
                self._due.put_nowait(heapq.heappop(self._waiting)[2])

    async def _deliver(self) -> None:
        lines: dict[str, _Line] = {}
        while True:
            receipt = await self._due.get()
            self._under_way += 1
            try:
                if await self._post(lines, receipt):
                    self.accounts.delivered += 1
                else:
                    self.accounts.failed += 1
            finally:
                self._under_way -= 1

    async def _post(self, lines: dict[str, _Line], receipt: _Receipt) -> bool:
        headers = ""
        if receipt.gateway == twilio.GATEWAY:
            form = twilio.receipt(receipt.number, receipt.message_id, final=receipt.final, delivered=receipt.delivered)
            if receipt.final:
                self._settled(receipt.number, receipt.message_id, delivered=receipt.delivered)
            headers = f"X-Twilio-Signature: {twilio.signature(receipt.url, form, self._auth_token)}\r\n"
        else:
            form = africastalking.receipt(
                receipt.number, receipt.message_id, final=receipt.final, delivered=receipt.delivered
            )
        at = urlsplit(receipt.url)
        line = lines.setdefault(at.netloc, _Line(at))
        body = urlencode(form)
        for _ in range(_TRIES):
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
                if await line.post(f"{at.path}?{at.query}" if at.query else at.path, headers, body) == 200:
                    return True
                continue
            line.close()
            await asyncio.sleep(_TICK)
        return False


class _Line:
    """A kept connection to one host."""

    def __init__(self, at: SplitResult) -> None:
        self._host, self._port = at.hostname or "", at.port or 80
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, target: str, headers: str, body: str) -> int:
        """The status that the answer has; raises ``OSError``, ``TimeoutError`` and what a broken answer raises."""
        async with asyncio.timeout(_PATIENCE):
            if self._stream is None:
                self._stream = await asyncio.open_connection(self._host, self._port)
            reader, writer = self._stream
            writer.write(
                (
                    f"POST {target} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n{headers}"
                    f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                ).encode()
            )
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or b"0")
            await reader.readexactly(length)
            if b"\r\nconnection: close" in head:
                self.close()
            return int(head[9:12])

    def close(self) -> None:
        """Let the connection go."""
        if self._stream is not None:
            self._stream[1].close()
            self._stream = None
