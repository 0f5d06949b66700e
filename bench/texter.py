"""Somebody who registers by SMS, as the gateway's side sees it: one connection, and requests made by hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from bench.posting import is_busy
from bench.script import ONWARD
from bench.subscribers import WrongAnswer, read_answer
from bench.texts import TEXTS, TWILIO, TextAccount, TextScript

#: Seconds after which an SMS that was turned away is delivered again, twice as many each time up to the longest; tries of one.
_AGAIN, _LONGEST_AGAIN, _MOST_TRIES = 0.5, 4.0, 20
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
        self._tries = 0
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
        self._step = self._tries = 0
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
        if not self._tries:
            self._account.sent.append((self._message, self.phone))
            self._posted, self._answered = time.monotonic(), 0.0
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
            self._tries += 1
            self._account.again += 1
            raise TurnedAway("busy for too long")
        answer = read_answer(self._received)
        if answer is None:
            return False
        now = time.monotonic()
        self._is_taken, self._tries = True, 0
        self._account.taken_us.append(round((now - self._posted) * 1e6))
        if not self._script.log:
            self._answered = now
            if not self._script.unanswered:
                if not all(word in answer for word in _REPLY):
                    raise WrongAnswer(f"SMS {self._step + 1} has no answer| {answer}")
                self._account.answers.append((self._message, answer))
        return self._is_over()

    @property
    def comes_again_in(self) -> float | None:
        """Seconds after which what was turned away is delivered again; None if it is given up."""
        return min(_LONGEST_AGAIN, _AGAIN * 2 ** (self._tries - 1)) if self._tries < _MOST_TRIES else None

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
