"""A browser in the command room: keeps its cookie and its connections, and sends forms with the token that their page has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import urllib3

from bench.failure import BenchFailed

SIGN_IN: Final = "/admin/sign-in"
PROGRESS: Final = "/admin/progress/"
_TOKEN: Final = re.compile(rb'name="csrf-token" content="([^"]+)"')


class Browser:
    """At one web process. ``connections``: how many threads may use it at a time; ``timeout``: seconds for an answer.

    What it asks raises ``urllib3.exceptions.HTTPError`` where no answer comes.
    """

    def __init__(self, host: str, port: int, *, connections: int = 1, timeout: float = 60.0) -> None:
        self._pool = urllib3.HTTPConnectionPool(host, port, maxsize=connections, timeout=timeout)
        self._cookie = ""

    def opens(self, address: str, headers: Mapping[str, str] | None = None) -> urllib3.BaseHTTPResponse:
        """A page; no redirection is followed."""
        return self._ask("GET", address, headers or {}, None)

    def submits(self, page: str, address: str, fields: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """Send a form to ``address`` with the token of ``page``; raises ``BenchFailed`` where that has none."""
        found = _TOKEN.search(self.opens(page).data)
        if found is None:
            raise BenchFailed(f"{page} has no token for forms")
        return self._ask("POST", address, {}, urlencode({**fields, "csrf_token": found[1].decode()}))

    def signs_in(self, name: str, password: str) -> None:
        """Begin a session; raises ``BenchFailed`` if that is refused."""
        self._cookie = ""
        if self.submits(SIGN_IN, SIGN_IN, {"name": name, "password": password}).status != 302:
            raise BenchFailed("the command room lets nobody in")

    def _ask(self, method: str, address: str, headers: Mapping[str, str], body: str | None) -> urllib3.BaseHTTPResponse:
        sent = {**headers, "Cookie": self._cookie, "Content-Type": "application/x-www-form-urlencoded"}
        answer = self._pool.urlopen(method, address, body=body, headers=sent, redirect=False, retries=False)
        if "Set-Cookie" in answer.headers:
            self._cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return answer
