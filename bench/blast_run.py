"""One campaign of the bench ``blast``: made, approved and sent with the commands that an admin uses, then waited for."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from bench.blast_stage import BlastStage
from bench.cpu import BLAST
from bench.failure import BenchFailed
from bench.memory import peak_mib
from bench.stub_gateway.message_log import Logged, repeated

APPROVER = "penguji"
_PROJECT = Path(__file__).resolve().parents[1]
_POLL = 0.02
#: Seconds until a campaign must have begun, and messages a second below which it is given up.
_START_LIMIT, _LEAST_RATE = 120.0, 200


@dataclass(frozen=True, slots=True)
class Sent:
    """What sending one campaign came to.

    ``materialise_s``: from the command to the recipients written; ``first_s``: from there to the first message at the
    gateway; ``seconds``: from the first message to the last outcome written. ``cpu_us``: microseconds a message, by part.
    ``worker_mib``: the most memory a worker of the blast has ever had. ``status``: as ``campaign status --json`` has it.
    """

    name: str
    gateway: str
    recipients: int
    materialise_s: float
    first_s: float
    seconds: float
    per_second: float
    cpu_us: Mapping[str, float]
    worker_mib: float
    status: Mapping[str, Any]
    wrong: tuple[str, ...]


def add_approver(stage: BlastStage) -> None:
    """The admin who approves."""
    _bot(stage, "user", "add", APPROVER, "--role", "national", typed="penguji-kata-sandi-bench\n")


def send_campaign(stage: BlastStage, name: str, gateway: str, audience: Mapping[str, object], text: str) -> Sent:
    """Send a campaign to its end; raises ``BenchFailed``."""
    _bot(
        stage, "campaign", "create", name, "--text-id", text, "--audience", json.dumps(audience), "--gateway", gateway,
        "--ignore-quiet-hours", "--json",
    )  # fmt: skip
    _bot(stage, "campaign", "approve", name, "--as", APPROVER, "--json")
    logged_before = stage.stub.log.stat().st_size if stage.stub.log.exists() else 0
    before = stage.service.meters.read()
    with psycopg.connect(stage.environ["DATABASE_URL"], autocommit=True) as connection:
        began = time.monotonic()
        with _started(stage, "campaign", "send", name, "--no-wait", "--json") as sending:
            number, recipients = _await_recipients(connection, name, sending)
            materialised = time.monotonic()
            _await_settled(connection, number, recipients, stage)
            settled = time.monotonic()
            sending.communicate()
    taken = stage.service.meters.read().since(before)
    lines = list(_lines_since(stage.stub.log, logged_before, gateway))
    if not lines:
        raise BenchFailed(f"{name}: the gateway was handed nothing")
    # Tickets go out meanwhile; what most have been sent is the campaign's text.
    [(text_sent, _)] = Counter(line.digest for line in lines).most_common(1)
    of_campaign = [line for line in lines if line.digest == text_sent]
    first = min(line.monotonic for line in of_campaign)
    status = json.loads(_bot(stage, "campaign", "status", name, "--json"))
    seconds = settled - min(first, settled)
    return Sent(
        name=name,
        gateway=gateway,
        recipients=recipients,
        materialise_s=materialised - began,
        first_s=first - materialised,
        seconds=seconds,
        per_second=len(of_campaign) / max(seconds, 1e-9),
        cpu_us={part: spent / max(len(of_campaign), 1) * 1e6 for part, spent in taken.parts.items()},
        worker_mib=peak_mib(child.pid for name, child in stage.service.children.items() if BLAST in name),
        status=status,
        wrong=tuple(_wrong(status, of_campaign)),
    )


def together(sents: Sequence[Sent]) -> Sent:
    """Campaigns of one size, sent one after another: all that was sent, the longest of what comes before, CPU on average."""
    recipients, seconds = sum(one.recipients for one in sents), sum(one.seconds for one in sents)
    return replace(
        sents[0],
        recipients=recipients,
        materialise_s=max(one.materialise_s for one in sents),
        first_s=max(one.first_s for one in sents),
        seconds=seconds,
        per_second=sum(one.per_second * one.seconds for one in sents) / max(seconds, 1e-9),
        cpu_us={part: statistics.mean(one.cpu_us[part] for one in sents) for part in sents[0].cpu_us},
        worker_mib=max(one.worker_mib for one in sents),
        wrong=tuple(line for one in sents for line in one.wrong),
    )


def _wrong(status: Mapping[str, Any], logged: list[Logged]) -> Iterator[str]:
    if twice := repeated(logged):
        yield f"{len(twice)} recipients got the text more than once"
    if open_still := status["queued"] + status["submitted"]:
        yield f"{open_still} recipients are not settled"
    handed_over = status["accepted"] + status["delivered"] + status["rejected"] + status["unknown"]
    if handed_over < len(logged):
        yield f"the gateway took {len(logged)} messages, and {handed_over} are known"


def _await_recipients(
    connection: psycopg.Connection[tuple[Any, ...]], name: str, sending: subprocess.Popen[str]
) -> tuple[int, int]:
    until = time.monotonic() + _START_LIMIT
    while True:
        row = connection.execute(
            "SELECT id, recipients FROM campaign WHERE name = %s AND materialised_at IS NOT NULL", (name,)
        ).fetchone()
        if row is not None:
            return int(row[0]), int(row[1])
        if sending.poll() not in (None, 0):
            assert sending.stderr is not None
            raise BenchFailed(f"campaign send: {sending.stderr.read().strip()}")
        if time.monotonic() > until:
            raise BenchFailed(f"{name} was not materialised within {_START_LIMIT:.0f} s")
        time.sleep(_POLL)


def _await_settled(
    connection: psycopg.Connection[tuple[Any, ...]], number: int, recipients: int, stage: BlastStage
) -> None:
    until = time.monotonic() + _START_LIMIT + recipients / _LEAST_RATE
    while True:
        row = connection.execute(
            "SELECT count(*) FROM attempt WHERE campaign_id = %s AND state IN ('queued', 'claimed', 'submitted')",
            (number,),
        ).fetchone()
        if row is not None and row[0] == 0:
            return
        stage.service.check_alive()
        if time.monotonic() > until:
            raise BenchFailed(f"{row[0] if row else 'all'} attempts were not settled in time")
        time.sleep(_POLL)


def _lines_since(log: Path, offset: int, gateway: str) -> Iterator[Logged]:
    with log.open("rb") as lines:
        lines.seek(offset)
        for line in lines:
            monotonic, at, *rest = line.decode().rstrip("\n").split("\t")
            if rest[0] == gateway:
                yield Logged(float(monotonic), float(at), *rest)


def _started(stage: BlastStage, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (sys.executable, "-m", "bot", *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=_PROJECT,
        env=dict(stage.environ),
    )


def _bot(stage: BlastStage, *arguments: str, typed: str = "") -> str:
    done = subprocess.run(
        (sys.executable, "-m", "bot", *arguments),
        input=typed,
        capture_output=True,
        text=True,
        cwd=_PROJECT,
        env=dict(stage.environ),
        check=False,
    )
    if done.returncode != 0:
        raise BenchFailed(f"bot {' '.join(arguments[:2])}: {done.stderr.strip()[-300:]}")
    return done.stdout
