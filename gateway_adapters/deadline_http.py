"""HTTP to a provider, after which it can be said whether the provider may have read the request.

One call takes at most its timeout in all: looking up the name, connecting, the handshake, sending, and an answer that
drips. Nothing is repeated by itself, no redirect is followed (it would carry our key to another host), no proxy is
taken from the environment, and an answer is read up to ``LONGEST_ANSWER`` bytes.
"""

from __future__ import annotations

import contextlib
import email.utils
import functools
import http.client
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import certifi
import urllib3
from urllib3.exceptions import HTTPError

from gateway_adapters.deadline_connection import Call, DeadlinePool, TlsDeadlinePool, under_way

#: Bytes. An answer about 1,000 recipients takes 150 KB.
LONGEST_ANSWER = 1 << 20
#: Connections kept for later, per host.
KEPT_CONNECTIONS = 32
#: Seconds. A provider that asks for a longer pause is asked again all the same.
LONGEST_PAUSE = 3600.0


class NotSent(Exception):
    """Nothing of the request has left: the name, the connection or the handshake failed. It may be sent again."""


class NoAnswer(Exception):
    """The request has left, at least in part, and no answer came that can be read: its fate is unknown."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What the provider said. ``headers`` is to be asked in any case of letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def json_object(self) -> dict[str, Any] | None:
        """The body as a JSON object, whatever its content type says; None if it is none."""
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return content if isinstance(content, dict) else None

    def retry_after(self) -> float | None:
        """Seconds to wait, from ``Retry-After`` in both spellings, at most ``LONGEST_PAUSE``; None if not told."""
        told = self.headers.get("Retry-After", "").strip()
        if told.isascii() and told.isdigit():
            return min(float(told), LONGEST_PAUSE)
        with contextlib.suppress(ValueError, OverflowError):
            return min(max(email.utils.parsedate_to_datetime(told).timestamp() - time.time(), 0.0), LONGEST_PAUSE)
        return None


class DeadlineHttp:
    """A pool of connections to one provider. Threads may share it; a forked child makes itself a new one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made_in = 0
        self._connections: urllib3.PoolManager

    def exchange(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float
    ) -> HttpAnswer:
        """Do one request in at most ``timeout`` seconds; raises ``NotSent`` or ``NoAnswer``, without personal data."""
        call = Call(time.monotonic() + timeout)
        token = under_way.set(call)
        try:
            return self._answer(call, method, url, headers, body)
        except (HTTPError, OSError, http.client.HTTPException, ValueError) as error:
            late = time.monotonic() >= call.ends
            if call.handed_over:
                raise NoAnswer(f"no whole answer within {timeout:g} s" if late else _why_no_answer(error)) from error
            raise NotSent(f"no connection within {timeout:g} s" if late else _why_not_sent(error)) from error
        finally:
            under_way.reset(token)

    def _answer(self, call: Call, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        response = self._pool().urlopen(
            method,
            url,
            body=body or None,
            headers={**headers},
            redirect=False,
            retries=False,
            preload_content=False,
            timeout=call.seconds_left(),
        )
        try:
            content = response.read(LONGEST_ANSWER + 1)
            if len(content) > LONGEST_ANSWER:
                raise _TooLong
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return HttpAnswer(response.status, response.headers, content)

    def _pool(self) -> urllib3.PoolManager:
        with self._lock:
            if self._made_in != os.getpid():
                # A child that shares our sockets would mix its answers with ours.
                self._made_in = os.getpid()
                self._connections = urllib3.PoolManager(maxsize=KEPT_CONNECTIONS, ssl_context=_trust())
                self._connections.pool_classes_by_scheme = {"http": DeadlinePool, "https": TlsDeadlinePool}
            return self._connections


@functools.cache
def _trust() -> ssl.SSLContext:
    """The machine's certificate authorities, and certifi's: slim containers have none of their own."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class _TooLong(ValueError):
    """An answer beyond ``LONGEST_ANSWER``."""


def _why_not_sent(error: Exception) -> str:
    # urllib3 wraps what happened into errors of its own, with the first one among their arguments.
    for cause in (error, *error.args):
        match cause:
            case socket.gaierror():
                return "its name cannot be looked up"
            case ConnectionRefusedError():
                return "the connection was refused"
            case ssl.SSLError() | urllib3.exceptions.SSLError():
                return "no secure connection, or its certificate is not to be trusted"
    return "no connection"


def _why_no_answer(error: Exception) -> str:
    return "the answer is too long" if isinstance(error, _TooLong) else "the connection broke before the answer"
