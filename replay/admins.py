"""Those who look at the figures in the command room: by its page, and by programs with a token."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import urllib3

from bench.browser import PROGRESS, Browser
from bench.failure import BenchFailed
from bench.stage import HOST
from bot.officers import accounts, tokens
from bot.officers.accounts import Admin, Role
from bot.officers.permissions import May
from replay.stage import ReplayFailed, Stage

_PASSWORD: Final = "kata-sandi-untuk-pemutaran-ulang"
#: Seconds of the machine between two looks of one who watches, as the page has it.
_LOOK: Final = 10.0
#: What a look came to.
ANSWERED, FAILED = "fine", "failed"
_WATCHING: Final = (May.SEE_PROGRESS,)


class Program:
    """A program with an admin's token."""

    def __init__(self, stage: Stage, admin: Admin, rights: Sequence[May]) -> None:
        self._pool = urllib3.HTTPConnectionPool(HOST, stage.port, maxsize=1, timeout=30.0)
        token = tokens.issue(stage.database, admin, "replay", rights, None, now=stage.clock.now())
        self._headers = {"Authorization": f"Bearer {token}"}

    def gets(self, address: str) -> Any:
        """The JSON of an address; raises ``ReplayFailed``."""
        return self._read(self._pool.request("GET", f"/api/v1{address}", headers=self._headers, retries=False), 200)

    def posts(self, address: str, body: Mapping[str, Any]) -> Any:
        """The JSON of an act; raises ``ReplayFailed``."""
        headers = {**self._headers, "Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        answer = self._pool.request("POST", f"/api/v1{address}", body=json.dumps(body), headers=headers, retries=False)
        return self._read(answer, 200, 201)

    @staticmethod
    def _read(answer: urllib3.BaseHTTPResponse, *wanted: int) -> Any:
        if answer.status not in wanted:
            raise ReplayFailed(f"the API answers {answer.status}: {answer.data[:200].decode(errors='replace')}")
        return json.loads(answer.data)


class Eyes:
    """An admin's browser at the progress page; they sign in again when their session is over.

    ``language``: chosen after signing in, and kept for the admin; what they speak already by default.
    """

    def __init__(self, port: int, name: str, language: str = "") -> None:
        self._browser = Browser(HOST, port, timeout=30.0)
        self._name = name
        self._language = language

    def looks(self) -> str:
        """What of the progress page changes; raises ``ReplayFailed`` or ``BenchFailed``."""
        for _ in range(2):
            answer = self._browser.opens(PROGRESS, {"HX-Request": "true"})
            if answer.status == 200:
                return answer.data.decode()
            self._sign_in()
        raise ReplayFailed(f"the progress page answers {answer.status}")

    def _sign_in(self) -> None:
        self._browser.signs_in(self._name, _PASSWORD)
        if not self._language:
            return
        if self._browser.submits(PROGRESS, "/admin/language", {"language": self._language}).status != 302:
            raise ReplayFailed("the command room does not take a language")


def add_admin(stage: Stage, name: str, role: Role, area: str | None = None) -> Admin:
    """Somebody new in the command room."""
    now = stage.clock.now()
    return accounts.add(stage.database, name, role, area, _PASSWORD, now=now, actor="replay")


class Watchers:
    """``with Watchers(stage) as watchers: ...``: ten admins, who look at the page and have a program fetch the figures."""

    def __init__(self, stage: Stage) -> None:
        areas = [(str(code), str(province)) for code, province in stage.database.rows(_AREAS)]
        rights: list[tuple[Role, str | None]] = [(Role.NATIONAL, None)] * 4
        rights += [(Role.PROVINCE, province) for _, province in areas[:3]]
        rights += [(Role.DISTRICT, code) for code, _ in areas[3:6]]
        admins = [add_admin(stage, f"penonton{number}", *each) for number, each in enumerate(rights)]
        self._eyes = [(Eyes(stage.port, each.name), Program(stage, each, _WATCHING)) for each in admins]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.looks: Counter[str] = Counter()

    def __enter__(self) -> Watchers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        place = 0
        while not self._over.wait(_LOOK / len(self._eyes)):
            eyes, program = self._eyes[place % len(self._eyes)]
            place += 1
            try:
                eyes.looks()
                program.gets("/progress")
                self.looks[ANSWERED] += 1
            except (BenchFailed, ReplayFailed, urllib3.exceptions.HTTPError):
                self.looks[FAILED] += 1


_AREAS: Final = "SELECT code, province_code FROM district ORDER BY md5(code), code"
