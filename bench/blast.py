"""The bench ``blast``: whole campaigns through the real commands and workers to the stub gateway, against the floor.

First Africa's Talking, a thousand recipients a request, with nothing else to do; then Twilio, one each; then Africa's
Talking again while subscribers register, tickets leave and receipts come in. The floor of each gateway is measured in
the same run, against the same stub.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from bench import people
from bench.blast_callers import Callers
from bench.blast_floor import Floor, measure_floor
from bench.blast_run import Sent, add_approver, send_campaign, together
from bench.blast_stage import BLAST_WORKERS, TWILIO_PROFESSION, BlastStage, staged_blast
from bench.counted import await_counted
from bench.cpu import WEB
from bench.figures import percentile
from bench.folder import run_folder
from bench.machine import describe_versions
from bench.script import Account, Script
from bench.stage import HOST
from bot.messaging.hand import MOST_IN_HAND, MOST_REQUESTS
from gateway_adapters.africastalking import AfricasTalking
from gateway_adapters.registry import GATEWAYS

_TEXT = (
    "Kemenkes: Anda terdaftar sebagai penerima vaksin COVID-19. Balas SMS ini dengan tanggal lahir (TTBBTTTT) "
    "atau hubungi *119# untuk memilih tempat."
)
#: As long as the campaigns' text, but another one.
_FLOOR_TEXT = _TEXT[:-1] + "!"
#: A floor of more requests than that tells no more.
_MOST_REQUESTS_OF_A_FLOOR = 20_000
_CALLERS, _MOST_CALLERS, _PAUSE = 4, 2000, 0.1
#: What comes in of receipts while people register: share of the messages, and a second.
_RECEIPTS, _RECEIPTS_PER_SECOND = 0.2, 1000.0


@dataclass(frozen=True, slots=True)
class WantedBlast:
    """How many get Africa's Talking's campaign, and how many of them Twilio's (0: none). ``campaigns``, ``twilio_campaigns``:
    as many of each one after another, whose figures count together. ``company``: whether one more is sent while others come."""

    recipients: int = 500_000
    twilio: int = 100_000
    campaigns: int = 1
    twilio_campaigns: int = 1
    company: bool = True


@dataclass(frozen=True, slots=True)
class Measured:
    """A campaign with its floor, a plain loop, and the same ``flat_out``: in as many processes and threads as the service
    sends with, which use up the machine. ``ratio``: messages a second over the floor's."""

    sent: Sent
    floor: Floor
    flat_out: Floor

    @property
    def ratio(self) -> float:
        """Messages a second over the floor's."""
        return self.sent.per_second / self.floor.per_second


@dataclass(frozen=True, slots=True)
class Company:
    """What others noticed of a blast: hops in milliseconds, seconds from a ticket's writing to the gateway's log."""

    sent: Sent
    hops: int
    hop_p50_ms: float
    hop_p99_ms: float
    tickets: int
    ticket_p50_s: float
    ticket_longest_s: float
    receipts: int


@dataclass(frozen=True, slots=True)
class BlastResult:
    """Everything that was measured, and what was wrong."""

    wanted: WantedBlast
    versions: dict[str, str]
    measured: tuple[Measured, ...]
    company: Company | None
    peak_mib: Mapping[str, float]
    wrong: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether nobody got a text twice, everybody is settled and no invariant is broken."""
        return not self.wrong


def measure(wanted: WantedBlast, folder: Path, say: Callable[[str], None]) -> BlastResult:
    """Measure in a run folder below ``folder``. Call from the main thread.

    Raises ``BenchFailed``, ``bot.embedded.errors.EmbeddedServerError`` or ``OSError``.
    """
    with (
        run_folder(folder) as own,
        staged_blast(own, roster=wanted.recipients, twilio=wanted.twilio, say=say) as stage,
    ):
        add_approver(stage)
        measured = [_alone(stage, "bench-at", AfricasTalking.name, wanted.recipients, {}, say, wanted.campaigns)]
        if wanted.twilio:
            audience: dict[str, object] = {"professions": [TWILIO_PROFESSION]}
            measured.append(
                _alone(stage, "bench-twilio", "twilio", wanted.twilio, audience, say, wanted.twilio_campaigns)
            )
        company = _in_company(stage, say) if wanted.company else None
        database_url = stage.environ["DATABASE_URL"]
        sents = [*(one.sent for one in measured), *([company.sent] if company else [])]
        wrong = [f"{each.name}: {line}" for each in sents for line in each.wrong]
        return BlastResult(
            wanted=wanted,
            versions=describe_versions(database_url, stage.environ["REDIS_URL"]),
            measured=tuple(measured),
            company=company,
            peak_mib=stage.service.meters.peaks(),
            wrong=(*wrong, *people.broken_invariants(database_url)),
        )


def _alone(
    stage: BlastStage,
    name: str,
    gateway: str,
    count: int,
    audience: dict[str, object],
    say: Callable[[str], None],
    campaigns: int = 1,
) -> Measured:
    say(f"{gateway}: {count:,} recipients")
    names = [name, *(f"{name}-{number}" for number in range(2, campaigns + 1))]
    sent = together([send_campaign(stage, each, gateway, audience, _TEXT) for each in names])
    say(f"{gateway}: {sent.per_second:,.0f} messages/s; its floor, once everybody is counted again")
    await_counted(stage.service)
    per_request = next(each.max_recipients_per_request for each in GATEWAYS if each.name == gateway)

    def loop(processes: int, threads: int) -> Floor:
        return measure_floor(
            stage.stub.url,
            gateway,
            messages=min(count, _MOST_REQUESTS_OF_A_FLOOR * per_request),
            per_request=per_request,
            threads=threads,
            processes=processes,
            text=_FLOOR_TEXT,
        )

    return Measured(sent, loop(1, 1), loop(BLAST_WORKERS, max(1, min(MOST_REQUESTS, MOST_IN_HAND // per_request))))


def _in_company(stage: BlastStage, say: Callable[[str], None]) -> Company:
    say("the first blast again, while people register, tickets leave and receipts come in")
    database_url = stage.environ["DATABASE_URL"]
    script = Script(
        host=HOST,
        port=stage.service.ports[WEB],
        path=stage.service.path,
        subscribers=_CALLERS,
        workers=tuple(people.choose_callers(database_url, _callers(database_url))),
        to_ticket=True,
        session=f"ATUid_{time.monotonic_ns():x}_",
    )
    stage.stub.behaves(
        receipts=_RECEIPTS, receipts_per_second=_RECEIPTS_PER_SECOND, receipts_twice=0.2, receipts_swapped=0.2
    )
    with Callers(script, _PAUSE) as callers:
        sent = send_campaign(stage, "bench-company", AfricasTalking.name, {}, _TEXT[:-1] + "?")
    receipts = stage.stub.state()["receipts_delivered"]
    stage.stub.behaves(receipts=0)
    stage.stub.forget_receipts()
    return _company(stage, sent, callers.account, receipts)


def _company(stage: BlastStage, sent: Sent, account: Account, receipts: int) -> Company:
    hops = sorted(us / 1000 for screen in account.hop_us for us in screen)
    waits = sorted(_ticket_waits(stage))
    lost = tuple(f"{count} hops: {reason}" for reason, count in account.errors.items())
    if lost:
        sent = replace(sent, wrong=(*sent.wrong, *lost))
    return Company(
        sent=sent,
        hops=account.hops,
        hop_p50_ms=percentile(hops, 0.5),
        hop_p99_ms=percentile(hops, 0.99),
        tickets=len(waits),
        ticket_p50_s=percentile(waits, 0.5),
        ticket_longest_s=waits[-1] if waits else 0.0,
        receipts=receipts,
    )


def _callers(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM worker").fetchone()
    return min(_MOST_CALLERS, int(row[0]) // 2) if row else 0


def _ticket_waits(stage: BlastStage) -> list[float]:
    """Seconds from writing a ticket's message to its line in the gateway's log, of every one."""
    people.await_left(stage.environ["DATABASE_URL"])
    with psycopg.connect(stage.environ["DATABASE_URL"]) as connection:
        written: dict[str, float] = dict(
            connection.execute(
                "SELECT provider_id, extract(epoch FROM created_at)::float8 FROM message "
                "WHERE lane = 'reply' AND provider_id IS NOT NULL"
            ).fetchall()
        )
    return [line.at - written[line.id] for line in stage.stub.taken() if line.id in written]
