"""The stub's server: both APIs on one port, and the control of the stub itself.

POST /_stub/behave    members of ``Behaviour``, from now on; those that are not named stay
POST /_stub/refuse    number=<E.164>&code=<the provider's code>; code=0 takes it back
POST /_stub/forget    deliver none of the receipts that are still planned
GET  /_stub/state     JSON: requests, messages, receipts_waiting, receipts_delivered, receipts_failed
"""

from __future__ import annotations

import asyncio
import json
import socket

from bench.stub_gateway import africastalking, twilio
from bench.stub_gateway.behaviour import Behaviour, Chance, Fate
from bench.stub_gateway.message_log import MessageLog, Taken
from bench.stub_gateway.receipts import Receipts
from bench.stub_gateway.wire import Request, read_request, written

CONTROL = "/_stub/"
_FINE = written(200, b"", "text/plain")
_GARBLED = written(201, b'{"SMSMessageData": {"Recip\xff\x00')


class Stub:
    """What answers requests, and remembers."""

    def __init__(self, log: MessageLog, behaviour: Behaviour, receipts_to: str = "", auth_token: str = "") -> None:
        self.requests = 0
        self.log = log
        self.behaviour = behaviour
        self.chance = Chance(behaviour)
        self.refused: dict[str, int] = {}
        self.messages = twilio.Messages()
        self.receipts = Receipts(receipts_to, auth_token, self.messages.settle)

    def answer(self, request: Request) -> tuple[bytes | None, float]:
        """What to write (None: reset the connection), and after how many seconds."""
        if request.path.startswith(CONTROL):
            return self._control(request), 0.0
        self.requests += 1
        is_africastalking = request.path == africastalking.PATH and request.method == "POST"
        if not is_africastalking and twilio.PATH.fullmatch(request.path) is None:
            return twilio.fault(404, 20404), 0.0
        fate, wait = self.chance.fate(), self.chance.wait()
        api = africastalking if is_africastalking else twilio
        if fate is Fate.THROTTLED:
            return api.THROTTLED, wait
        if fate is Fate.BROKEN:
            return api.BROKEN, wait
        if not is_africastalking and request.method == "GET":
            return None if fate is Fate.DROPPED else self.messages.find(request), wait
        losing = fate is Fate.LOSING
        if is_africastalking:
            answer, taken = africastalking.send(request, self.refused, self.chance.lost if losing else None)
        else:
            answer, taken = self.messages.send(request, self.refused, losing=losing)
        if taken is not None:
            self._take(taken)
        if fate is Fate.GARBLED:
            return _GARBLED, wait
        return None if fate is Fate.DROPPED else answer, wait

    def _take(self, taken: Taken) -> None:
        self.log.write(taken)
        if self.behaviour.receipts:
            self.receipts.plan(taken, self.behaviour, self.chance)

    def _control(self, request: Request) -> bytes:
        form = request.form()
        match request.path.removeprefix(CONTROL):
            case "behave":
                try:
                    self.behaviour = self.behaviour.changed(form)
                except ValueError as error:
                    return written(400, str(error).encode(), "text/plain")
                self.chance = Chance(self.behaviour)
                return _FINE
            case "refuse":
                self.refused[form["number"]] = int(form["code"])
                self.refused = {number: code for number, code in self.refused.items() if code}
                return _FINE
            case "forget":
                self.receipts.forget()
                return _FINE
            case "state":
                return written(200, json.dumps(self._state()).encode())
        return written(404, b"", "text/plain")

    def _state(self) -> dict[str, int]:
        return {
            "requests": self.requests,
            "messages": self.log.messages,
            "receipts_waiting": self.receipts.waiting,
            "receipts_delivered": self.receipts.accounts.delivered,
            "receipts_failed": self.receipts.accounts.failed,
        }


class _Connection(asyncio.Protocol):
    """One caller, who waits for an answer before the next request."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._pieces: list[bytes] = []
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport

    def data_received(self, piece: bytes) -> None:
        self._pieces.append(piece)
        received = b"".join(self._pieces) if len(self._pieces) > 1 else piece
        try:
            read = read_request(received)
        except ValueError:
            self._transport.abort()
            return
        if read is None:
            return
        request, length = read
        self._pieces = [received[length:]] if len(received) > length else []
        answer, wait = self._stub.answer(request)
        if wait:
            asyncio.get_running_loop().call_later(wait, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes | None) -> None:
        if answer is None:
            self._transport.abort()
        elif not self._transport.is_closing():
            self._transport.write(answer)


async def serve(stub: Stub, host: str, port: int, stopped: asyncio.Event) -> None:
    """Listen at ``host`` until ``stopped``; prints the address once it does."""
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(stub), host, port, backlog=1024)
    print(f"http://{host}:{server.sockets[0].getsockname()[1]}", flush=True)
    delivering = asyncio.create_task(stub.receipts.run())
    await stopped.wait()
    server.close()
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
