"""What was measured elsewhere and is put into the formulas: read from the benches' JSON, kept beside the docs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cpu import BLAST, POSTGRESQL, VALKEY, WEB
from bench.failure import BenchFailed

#: The benches whose JSON is needed, and those whose JSON is used where it is there.
NEEDED, USED = ("sizes", "hops", "blast"), ("pages", "receipts")
_BATCHES, _SINGLES = "africastalking", "twilio"
#: What of a bench's JSON is kept.
_HEAD = ("bench", "at", "commit", "machine")
_KEPT: Mapping[str, tuple[str, ...]] = {
    "sizes": (
        *("wanted", "a_person", "a_message", "a_registration", "rows", "conversation"),
        *("blast_segments", "ticket_segments", "receipts"),
    ),
    "hops": ("wanted", "summary"),
    "blast": ("wanted",),
    "pages": ("world", "figures"),
    "receipts": (),
}


@dataclass(frozen=True, slots=True)
class SendingCpu:
    """Microseconds of CPU for one message of a blast, from the recipient's row to the outcome."""

    workers: float
    postgresql: float


@dataclass(frozen=True, slots=True)
class ReceiptCpu:
    """Microseconds of CPU for one receipt that comes in."""

    web: float
    workers: float
    postgresql: float


@dataclass(frozen=True, slots=True)
class Looks:
    """Making the figures of progress took ``ms`` with so many ``people`` on the list."""

    ms: float
    people: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Bytes (as ``sizing.measuring.Sizes``), microseconds of CPU a hop, milliseconds of CPU a registration with its ticket.

    ``receipt`` and ``looks``: None where those benches were not kept.
    """

    a_person: float
    a_message: float
    message_row: float
    receipt_row: float
    a_registration: float
    hop_row: float
    open_conversation: float
    over_conversation: float
    blast_segments: float
    ticket_segments: float
    receipts: float
    web_us: float
    postgresql_us: float
    valkey_us: float
    registration_ms: float
    batches: SendingCpu
    singles: SendingCpu
    receipt: ReceiptCpu | None = None
    looks: Looks | None = None


def keep(folder: Path) -> dict[str, Any]:
    """What the formulas need of the benches' results in ``folder``.

    Raises ``BenchFailed`` naming the bench that has not run, ``OSError``, ``ValueError`` or ``KeyError`` for a file that
    is no such result.
    """
    kept: dict[str, Any] = {}
    for name in (*NEEDED, *USED):
        file = folder / f"{name}.json"
        if not file.exists():
            if name in NEEDED:
                raise BenchFailed(f"{file} is not there: measure it first")
            continue
        stored = json.loads(file.read_text(encoding="utf-8"))
        kept[name] = {each: stored[each] for each in (*_HEAD, *_KEPT[name])}
        if name == "hops":
            kept[name]["cpu_us"] = [one["cpu_us"] for one in stored["hops"]]
        if name == "blast":
            kept[name]["sent"] = [
                {each: one["sent"][each] for each in ("gateway", "recipients", "per_second", "cpu_us")}
                for one in stored["measured"]
            ]
        if name == "receipts":
            kept[name]["work"] = stored["common"]["work"]
    measured_of(kept)
    return kept


def measured_of(kept: Mapping[str, Any]) -> Measured:
    """The figures in what ``keep`` gave; raises ``KeyError`` or ``BenchFailed`` for what is not in it."""
    sizes, hops = kept["sizes"], kept["hops"]
    conversation = sizes["conversation"]
    return Measured(
        a_person=sizes["a_person"],
        a_message=sizes["a_message"],
        message_row=row_bytes(sizes, "message"),
        receipt_row=row_bytes(sizes, "receipt"),
        a_registration=sizes["a_registration"],
        hop_row=row_bytes(sizes, "hop"),
        open_conversation=statistics.fmean(conversation["open"]),
        over_conversation=conversation["over"],
        blast_segments=sizes["blast_segments"],
        ticket_segments=sizes["ticket_segments"],
        receipts=sizes["receipts"],
        web_us=_median(hops, WEB),
        postgresql_us=_median(hops, POSTGRESQL),
        valkey_us=_median(hops, VALKEY),
        registration_ms=hops["summary"]["registration_whole_ms"]["median"],
        batches=_sending(kept["blast"], _BATCHES),
        singles=_sending(kept["blast"], _SINGLES),
        receipt=_receipt(kept.get("receipts")),
        looks=_looks(kept.get("pages")),
    )


def row_bytes(sizes: Mapping[str, Any], table: str) -> float:
    """Bytes of a row of a table with its indexes."""
    row = sizes["rows"][table]
    return float(row["heap"]) + float(row["indexes"])


def _median(hops: Mapping[str, Any], part: str) -> float:
    return statistics.median(float(one[part]) for one in hops["cpu_us"])


def _sending(blast: Mapping[str, Any], gateway: str) -> SendingCpu:
    for sent in blast["sent"]:
        if sent["gateway"] == gateway:
            return SendingCpu(sent["cpu_us"][BLAST], sent["cpu_us"][POSTGRESQL])
    raise BenchFailed(f"no blast went out by {gateway}")


def _receipt(receipts: Mapping[str, Any] | None) -> ReceiptCpu | None:
    if receipts is None or not receipts["work"]:
        return None

    def all_work(part: str) -> float:
        """Taking it in, and applying it later."""
        return sum(float(work["cpu_us"].get(part, 0.0)) for work in receipts["work"])

    return ReceiptCpu(all_work("web"), all_work("workers"), all_work("postgresql"))


def _looks(pages: Mapping[str, Any] | None) -> Looks | None:
    if pages is None:
        return None
    took_ms, _age = pages["figures"]["progress"]
    return Looks(took_ms, pages["world"]["worker"])
