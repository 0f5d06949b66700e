"""Measures what rows and conversations take: the real service, a small campaign, and what it leaves behind.

A made-up roster is imported, a blast goes out to a stub gateway that sends a receipt of each message's way and one of its
end, some people register by USSD and get their tickets, others stop in the middle. In between the tables are read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench import people
from bench.blast_run import add_approver, send_campaign
from bench.blast_stage import BlastStage, staged_blast
from bench.cpu import WEB
from bench.failure import BenchFailed
from bench.folder import run_folder
from bench.hops import generate
from bench.machine import describe_versions
from bench.script import ONWARD, Account, Script
from bench.stage import HOST, fill_roster
from bot.db import migrate
from bot.text.segments import segments
from gateway_adapters.africastalking import AfricasTalking
from sizing.bytes_in_use import RowBytes, Tables, grown, read_tables
from sizing.conversations import ConversationBytes, measure_conversations

_TEXT = (
    "Kemenkes: Anda terdaftar sebagai penerima vaksin COVID-19. Balas SMS ini dengan tanggal lahir (TTBBTTTT) "
    "atau hubungi *119# untuk memilih tempat."
)
#: How many are on the line at once: few, so that nobody is turned away. On a busy machine some are all the same, at most
#: this share of them, and count for nothing.
_SUBSCRIBERS, _TURNED_AWAY = 2, 0.1
#: What a blast writes anew for each message; elsewhere it changes rows, which make room for the next change.
_OF_MESSAGES = ("message", "attempt", "receipt")
#: Seconds until what follows by itself (figures, receipts, hops) must be there.
_LIMIT, _POLL = 240.0, 0.2


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many are made up, how many of them register, and how many stop at each screen before the ticket."""

    workers: int = 20_000
    registrations: int = 3_000
    stopped: int = 250


@dataclass(frozen=True, slots=True)
class Sizes:
    """What was measured; all bytes with indexes where nothing else is said.

    ``a_person``: on the roster, with figures, follow-up, facilities and sessions, once a message has reached them.
    ``a_message``: of a blast, with receipts and its share of an attempt. ``a_registration``: all that it leaves, ticket and its
    receipts included, without hops.
    ``rows``: of each table by itself. ``blast_segments``, ``ticket_segments``: of one message. ``receipts``: of one message.
    """

    wanted: Wanted
    versions: Mapping[str, str]
    a_person: float
    a_message: float
    a_registration: float
    rows: Mapping[str, RowBytes]
    conversation: ConversationBytes
    blast_segments: float
    ticket_segments: float
    receipts: float


def measure(wanted: Wanted, folder: Path, say: Callable[[str], None]) -> Sizes:
    """Measure in a run folder below ``folder``. Call from the main thread.

    Raises ``BenchFailed``, ``bot.embedded.errors.EmbeddedServerError``, ``psycopg.Error`` or ``OSError``.
    """
    empty: dict[str, Tables] = {}

    def fill(environ: Mapping[str, str], roster: int, _twilio: int) -> None:
        migrate.upgrade(environ["DATABASE_URL"])
        empty["tables"] = read_tables(environ["DATABASE_URL"])
        fill_roster(environ, roster)

    with (
        run_folder(folder) as own,
        staged_blast(own, roster=wanted.workers, twilio=0, say=say, filled=fill) as stage,
    ):
        return _measure(stage, wanted, empty["tables"], say)


def _measure(stage: BlastStage, wanted: Wanted, empty: Tables, say: Callable[[str], None]) -> Sizes:
    database_url = stage.environ["DATABASE_URL"]
    add_approver(stage)
    say("waiting for figures and lists")
    for table in ("worker_standing", "follow_up_case"):
        _await(database_url, f"SELECT count(*) >= (SELECT count(*) FROM worker) FROM {table}", table)
    imported = read_tables(database_url)

    say("a blast, with its receipts")
    stage.stub.behaves(receipts=1.0, receipts_per_second=1000.0)
    sent = send_campaign(stage, "ukuran", AfricasTalking.name, {}, _TEXT)
    if sent.wrong:
        raise BenchFailed(f"the blast: {sent.wrong[0]}")
    _await(database_url, _RECEIVED, "receipts")
    blasted = read_tables(database_url)

    say(f"{wanted.registrations:,} registrations")
    stops = len(ONWARD) + 1
    callers = people.choose_callers(database_url, wanted.registrations + stops * wanted.stopped)
    registering, stopping = callers[: wanted.registrations], callers[wanted.registrations :]
    account = _register(stage, registering)
    people.await_left(database_url)
    _await(database_url, _RECEIVED, "receipts")
    _await(database_url, f"SELECT count(*) >= {account.hops} FROM hop", "hops")
    registered = read_tables(database_url)

    say(f"{len(stopping):,} people who stop on the way")
    conversation = measure_conversations(
        stage.environ["REDIS_URL"],
        stage.service.ports[WEB],
        stage.service.path,
        stopping,
        [phone for phone, _ in account.endings],
    )
    if broken := people.broken_invariants(database_url):
        raise BenchFailed(broken[0])
    of_roster, of_blast, of_registering = grown(empty, imported), grown(imported, blasted), grown(blasted, registered)
    rows = {name: of_roster[name].a_row() for name in ("worker", "facility", "vaccination_session")}
    rows |= {name: of_blast[name].a_row() for name in ("message", "receipt")}
    rows |= {name: of_registering[name].a_row() for name in ("booking", "screening", "attempt", "hop", "last_stop")}
    rows["ticket message"] = of_registering["message"].a_row()
    return Sizes(
        wanted=wanted,
        versions=describe_versions(database_url, stage.environ["REDIS_URL"]),
        a_person=(_bytes(of_roster) + _bytes(of_blast, but=_OF_MESSAGES)) / wanted.workers,
        a_message=sum(of_blast[name].whole for name in _OF_MESSAGES if name in of_blast) / sent.recipients,
        a_registration=_bytes(of_registering, but=("hop",)) / account.walks,
        rows=rows,
        conversation=conversation,
        blast_segments=float(segments(_TEXT).count),
        ticket_segments=_ticket_segments(database_url),
        receipts=of_blast["receipt"].rows / sent.recipients,
    )


# The stub tells of each message that it was sent and of its end; both stand in a row once they were applied.
_RECEIVED = """
SELECT (SELECT count(*) FROM receipt WHERE matched) >= 2 * count(*) FROM message WHERE provider_id IS NOT NULL
"""


def _register(stage: BlastStage, callers: list[tuple[str, str]]) -> Account:
    account = generate(
        Script(
            host=HOST,
            port=stage.service.ports[WEB],
            path=stage.service.path,
            subscribers=_SUBSCRIBERS,
            workers=tuple(callers),
            to_ticket=True,
            session=f"ATUid_{time.monotonic_ns():x}_",
        )
    )
    if sum(account.errors.values()) > _TURNED_AWAY * len(callers):
        raise BenchFailed(f"registrations: {account.errors}, e.g. {account.examples[0]}")
    errors = dict(account.errors)
    people.check_tickets(stage.environ["DATABASE_URL"], account)
    if account.errors != errors:
        raise BenchFailed(f"registrations: {account.errors}")
    return account


def _bytes(tables: Tables, but: Sequence[str] = ()) -> int:
    return sum(size.whole for name, size in tables.items() if name not in but)


def _ticket_segments(database_url: str) -> float:
    with psycopg.connect(database_url) as connection:
        bodies = connection.execute("SELECT body FROM message WHERE campaign_id IS NULL").fetchall()
    counts = [segments(str(body)).count for (body,) in bodies]
    return sum(counts) / len(counts)


def _await(database_url: str, true: str, what: str) -> None:
    until = time.monotonic() + _LIMIT
    with psycopg.connect(database_url, autocommit=True) as connection:
        while True:
            row = connection.execute(true.encode()).fetchone()
            if row is not None and row[0]:
                return
            if time.monotonic() > until:
                raise BenchFailed(f"{what} were not there within {_LIMIT:.0f} s")
            time.sleep(_POLL)
