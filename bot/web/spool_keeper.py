"""A thread of each web process that looks after this machine's spool: replays it once PostgreSQL is back, and tells of it.

Every second one of the machine's processes, whoever gets the lock, looks. It has a connection to PostgreSQL of its own, made
anew for each try and kept only while something waits: callers' connections and their breaker know nothing of it.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import Final

import redis
import structlog
from flask import Flask

from bot.away import Away
from bot.messaging import spool_notes
from bot.messaging.replaying import replay
from bot.messaging.spool import Contents, SpoolAway
from bot.metrics import SPOOL_REPLAYED
from bot.queues import enqueue_about
from bot.services import Services

_log = structlog.get_logger(__name__)

#: Seconds between two looks, between two notes that say the same, and the longest that a look holds the lock.
_EVERY, _NOTE_EVERY, _LONGEST = 1.0, 15.0, 20.0
#: Seconds that PostgreSQL may take for a letter.
_PATIENCE: Final = 5.0


def keep_spool(app: Flask) -> None:
    """Look after the spool as long as this process lives, if gateways call it."""
    services: Services = app.extensions["services"]
    if services.settings.web_serves != "office":
        SpoolKeeper(services).start()


class SpoolKeeper:
    """Looks after the spool of ``services`` until it is closed."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._spool = services.spool
        self._machine = f"{socket.gethostname()}:{services.settings.spool}"
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spool-keeper", daemon=True)
        self._noted: tuple[Contents, bool] | None = None
        self._note_due = 0.0
        self._first = 0

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the letter in hand."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2 * _PATIENCE)

    def look(self) -> None:
        """Replay what waits, unless another process of this machine does, and note what is left."""
        try:
            self._spool.make()
            with self._spool.replaying() as is_ours:
                if is_ours:
                    self._look()
        except (SpoolAway, OSError) as error:
            _log.error("spool_unusable", error=type(error).__name__)
            self._note(Contents(0, None, 0), usable=False)

    def _look(self) -> None:
        self._spool.tidy()
        contents = self._spool.count()
        self._note(contents, usable=True)
        if contents.waiting and self._replay():
            self._note(self._spool.count(), usable=True)

    def _replay(self) -> bool:
        """Replay what waits; whether less of it waits now."""
        until = time.monotonic() + _LONGEST
        services = self._services
        database = services.database.beside(size=1, limit=_PATIENCE)
        try:
            done, _ = replay(
                *(self._spool, database, services.vault),
                lambda: time.monotonic() < until and not self._stopped.is_set(),
                first=self._first,
            )
            self._first += 1
        finally:
            database.close()
        SPOOL_REPLAYED.labels("taken").inc(done.taken)
        SPOOL_REPLAYED.labels("quarantined").inc(done.quarantined)
        if done.taken or done.quarantined:
            _log.info("spool_replayed", taken=done.taken, quarantined=done.quarantined, stuck=done.stuck)
        if done.sms:
            self._wake()
        return bool(done.taken or done.quarantined)

    def _wake(self) -> None:
        """Have what was replayed handled now, rather than at the next sweep."""
        try:
            enqueue_about(self._services.queue, "answer_waiting")
        except redis.RedisError as error:
            _log.warning("wake_failed", error=type(error).__name__)

    def _note(self, contents: Contents, *, usable: bool) -> None:
        if self._noted == (contents, usable) and time.monotonic() < self._note_due:
            return
        client, now = self._services.queue, self._services.clock.now()
        try:
            spool_notes.note(client, spool_notes.Noted(self._machine, contents, usable, now))
            spool_notes.forget_old(client, now)
        except redis.RedisError:
            return  # noted once it is back
        self._noted, self._note_due = (contents, usable), time.monotonic() + _NOTE_EVERY

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.look()
            except Away as error:
                _log.warning("spool_waits", error=type(error).__name__)
            except Exception:  # noqa: BLE001 - it must not end as long as its process serves
                _log.exception("spool_keeper_failed")
            self._stopped.wait(_EVERY)
