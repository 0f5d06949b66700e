"""The load generator of ``replies``: N people at a time who register by SMS, one after the other.

A process of its own: ``python -m bench.texters`` reads a ``TextScript`` from stdin and writes a ``TextAccount`` to stdout. One
thread, plain sockets and requests made by hand, as in ``bench.subscribers``. Where the answer leaves by the gateway's API, the
stub's log is read while it grows: it tells when the gateway was handed the answer, so reading it late changes no time.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import heapq
import hmac
import json
import os
import random
import selectors
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from urllib.parse import urlencode

from bench.posting import is_busy
from bench.script import ONWARD
from bench.subscribers import WrongAnswer, read_answer
from bench.texts import TEXTS, TWILIO, TextAccount, TextScript

_EXAMPLES = 5
#: Seconds between two looks at the log.
_LOOK = 0.001
#: Seconds after which an SMS that was turned away is delivered again, and how many of them are borne.
_AGAIN, _MOST_AGAIN = 0.5, 1000
_SHORT_CODE, _ACCOUNT = "1199", "AC00000000000000000000000000000000"
#: What an HTTP answer holds that is passed on.
_REPLY = ("<Message", "</Message>")


def signature(url: str, form: Mapping[str, str], auth_token: str) -> str:
    """``X-Twilio-Signature`` of a form; the SDK's own, which checks more, takes four times as long."""
    signed = url + "".join(f"{name}{value}" for name, value in sorted(form.items()))
    return base64.b64encode(hmac.digest(auth_token.encode(), signed.encode(), hashlib.sha1)).decode()


class TurnedAway(WrongAnswer):
    """The service asks the gateway to deliver an SMS again."""


class Texter:
    """Somebody with a phone: one connection of the gateway's, over which one worker after the other registers."""

    def __init__(
        self, script: TextScript, workers: Iterator[tuple[int, tuple[str, str]]], account: TextAccount
    ) -> None:
        self._script = script
        self._workers = workers
        self._account = account
        self._received = b""
        self._birth_date = self._message = ""
        self._registration = self._step = 0
        self._posted = self._answered = 0.0
        self._is_taken = True
        self._is_again = False
        self.phone = ""
        self.socket = self._connect()

    def _connect(self) -> socket.socket:
        connected = socket.create_connection((self._script.host, self._script.port), self._script.patience)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def reconnect(self) -> None:
        """Connect anew, after an error that may have left half an answer on the line. Raises ``OSError``."""
        self.socket.close()
        self.socket = self._connect()

    def is_next(self) -> bool:
        """Let the next worker text; False if there is nobody left."""
        worker = next(self._workers, None)
        if worker is None:
            return False
        self._registration, (self.phone, self._birth_date) = worker
        self._step, self._is_again = 0, False
        return True

    def text(self) -> None:
        """Send what comes next, or again what was turned away. Raises ``OSError``."""
        script = self._script
        self._message = f"{script.messages}{self._registration:06d}{self._step}"
        said = ONWARD[self._step - 1] if self._step else self._birth_date
        form = _form(script.gateway, self.phone, self._message, said)
        signed = ""
        if script.signed_for:
            signed = f"X-Twilio-Signature: {signature(script.signed_for, form, script.auth_token)}\r\n"
        body = urlencode(form)
        request = (
            f"POST {script.path} HTTP/1.1\r\nHost: {script.host}:{script.port}\r\nAccept: */*\r\n{signed}"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        self._received, self._is_taken = b"", False
        if not self._is_again:
            self._account.sent.append((self._message, self.phone))
            self._posted, self._answered = time.monotonic(), 0.0
        self._is_again = False
        self.socket.sendall(request)

    def hear(self) -> bool:
        """Take in what has arrived over HTTP; whether that was the answer that we wait for, or the last of it.

        Raises ``TurnedAway``, ``WrongAnswer`` or ``OSError``.
        """
        piece = self.socket.recv(65536)
        if not piece:
            raise WrongAnswer("the connection was closed")
        self._received += piece
        if is_busy(self._received):
            self._is_again = True
            self._account.again += 1
            raise TurnedAway("busy for too long")
        answer = read_answer(self._received)
        if answer is None:
            return False
        now = time.monotonic()
        self._is_taken = True
        self._account.taken_us.append(round((now - self._posted) * 1e6))
        if not self._script.log:
            self._answered = now
            if not self._script.unanswered:
                if not all(word in answer for word in _REPLY):
                    raise WrongAnswer(f"SMS {self._step + 1} has no answer| {answer}")
                self._account.answers.append((self._message, answer))
        return self._is_over()

    @property
    def waits(self) -> bool:
        """Whether an SMS has not had its answer."""
        return self._posted > 0 and not self._answered

    def is_handed(self, at: float) -> bool:
        """The gateway was handed the answer ``at`` a moment; whether the HTTP answer is there too."""
        self._answered = at
        return self._is_over()

    def _is_over(self) -> bool:
        return self._is_taken and self._answered > 0

    def goes_on(self) -> bool:
        """Note an answer; whether the registration wants another SMS."""
        self._account.reply_us[self._step].append(round((self._answered - self._posted) * 1e6))
        self._account.ended = max(self._account.ended, self._answered)
        self._step += 1
        if self._step == TEXTS:
            self._account.walks += 1
        return self._step < TEXTS


def _form(gateway: str, phone: str, message: str, said: str) -> dict[str, str]:
    """An inbound SMS as the gateway's documentation has it."""
    if gateway == TWILIO:
        return {
            "ToCountry": "ID", "SmsMessageSid": message, "NumMedia": "0", "SmsSid": message, "SmsStatus": "received",
            "FromCountry": "ID", "To": "+15005550006", "NumSegments": "1", "MessageSid": message, "AccountSid": _ACCOUNT,
            "From": phone, "Body": said, "ApiVersion": "2010-04-01",
        }  # fmt: skip
    return {
        "date": "2021-01-13 09:00:00", "from": phone, "id": message, "linkId": "", "text": said, "to": _SHORT_CODE,
        "networkCode": "51010", "cost": "0",
    }  # fmt: skip


class _Log:
    """The stub's log from now on: moment and number of each message."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
        os.lseek(self._file, 0, os.SEEK_END)
        self._rest = b""

    def read(self) -> Iterator[tuple[float, str]]:
        """What has been written since."""
        piece = os.read(self._file, 1 << 20)
        if not piece:
            return
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            at, _, _, _, number, _ = line.decode().split("\t")
            yield float(at), number


class Conversations:
    """All texters together, until everybody has registered."""

    def __init__(self, script: TextScript) -> None:
        """Connects the texters; raises ``OSError`` if nobody listens."""
        self.account = TextAccount()
        self._script = script
        workers = enumerate(script.workers)
        self._texters = [Texter(script, workers, self.account) for _ in range(script.lines)]
        self._log = _Log(script.log) if script.log else None
        self._selector = selectors.DefaultSelector()
        for texter in self._texters:
            self._selector.register(texter.socket, selectors.EVENT_READ, texter)
        self._by_phone: dict[str, Texter] = {}
        self._thinking: list[tuple[float, int, Texter]] = []
        self._chance = random.Random(len(script.workers))

    def run(self) -> TextAccount:
        """Let everybody text; returns when the last one has been answered or given up."""
        time.sleep(max(0.0, self._script.begins_at - time.monotonic()))
        cpu, heard_at = time.process_time(), time.monotonic()
        self.account.began = self.account.ended = heard_at
        for texter in self._texters:
            self._begin(texter)
        while self._by_phone:
            ready = self._selector.select(self._until_next())
            for key, _events in ready:
                self._hear(key.data)
            handed = list(self._log.read()) if self._log is not None else []
            for at, number in handed:
                self._hand(at, number)
            now = time.monotonic()
            while self._thinking and self._thinking[0][0] <= now:
                self._text(heapq.heappop(self._thinking)[2])
            if ready or handed or self._thinking:
                heard_at = now
            elif now > heard_at + self._script.patience:
                self.account.errors[f"no answer within {self._script.patience:.0f} s"] = len(self._by_phone)
                break
        self.account.cpu_seconds = time.process_time() - cpu
        return self.account

    def _until_next(self) -> float:
        """Seconds until something may have to be done that no socket tells of."""
        waits = _LOOK if self._log is not None else self._script.patience
        return min(waits, max(0.0, self._thinking[0][0] - time.monotonic())) if self._thinking else waits

    def _begin(self, texter: Texter) -> None:
        """The next worker of this line, if there is one."""
        self._by_phone.pop(texter.phone, None)
        if texter.is_next():
            self._by_phone[texter.phone] = texter
            self._think(texter)

    def _think(self, texter: Texter) -> None:
        if self._script.pause:
            due = time.monotonic() + self._script.pause * self._chance.uniform(0.5, 1.5)
            heapq.heappush(self._thinking, (due, id(texter), texter))
        else:
            self._text(texter)

    def _text(self, texter: Texter) -> None:
        try:
            texter.text()
        except OSError as error:
            self._give_up(texter, type(error).__name__)

    def _hear(self, texter: Texter) -> None:
        try:
            is_over = texter.hear()
        except TurnedAway as error:
            if self.account.again > _MOST_AGAIN:
                self._give_up(texter, str(error))
            elif self._is_connected_anew(texter):
                heapq.heappush(self._thinking, (time.monotonic() + _AGAIN, id(texter), texter))
            return
        except (WrongAnswer, OSError) as error:
            self._give_up(texter, str(error) if isinstance(error, WrongAnswer) else type(error).__name__)
            return
        if is_over:
            self._go_on(texter)

    def _hand(self, at: float, number: str) -> None:
        """The gateway was handed an answer for a number."""
        texter = self._by_phone.get(number)
        if texter is None or not texter.waits:
            self._note("an answer that nobody waits for")
        elif texter.is_handed(at):
            self._go_on(texter)

    def _go_on(self, texter: Texter) -> None:
        if texter.goes_on():
            self._think(texter)
        else:
            self._begin(texter)

    def _give_up(self, texter: Texter, reason: str) -> None:
        """The registration is lost; the line goes on with the next worker."""
        self._note(reason)
        if self._is_connected_anew(texter):
            self._begin(texter)

    def _is_connected_anew(self, texter: Texter) -> bool:
        """Leave half an answer behind; False if nobody listens any more."""
        self._selector.unregister(texter.socket)
        try:
            texter.reconnect()
        except OSError as error:
            self._note(f"cannot connect: {type(error).__name__}")
            self._by_phone.pop(texter.phone, None)
            return False
        self._selector.register(texter.socket, selectors.EVENT_READ, texter)
        return True

    def _note(self, reason: str) -> None:
        kind = reason.partition("|")[0].strip()
        self.account.errors[kind] = self.account.errors.get(kind, 0) + 1
        if len(self.account.examples) < _EXAMPLES:
            self.account.examples.append(reason)


def main() -> None:
    """Play the script on stdin."""
    conversations = Conversations(TextScript.of(json.load(sys.stdin)))
    # Everything made here lives to the end: looking for garbage would only make some answers seem slow.
    gc.disable()
    json.dump(asdict(conversations.run()), sys.stdout)


if __name__ == "__main__":
    main()
