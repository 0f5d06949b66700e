"""The table of a run, on a terminal and in the document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from faults.journal import FINE, REFUSED, SILENCE, SORRY
from scale.failing import SETTLES_WITHIN, Outcome
from scale.throughput import LINES, Row

_PLACE: Final = re.compile(r"<!-- scale:runs -->\n.*?<!-- /scale:runs -->", re.DOTALL)
_PARTS: Final = ("web", "jobs", "postgresql", "pgbouncer", "valkey")


@dataclass(frozen=True, slots=True)
class Result:
    """A run: where and when, what was measured, what became of everybody."""

    machine: dict[str, object]
    commit: str
    day: str
    rows: tuple[Row, ...]
    outcome: Outcome


def tables(result: Result) -> str:
    """Markdown."""
    machine = result.machine
    return "\n".join(
        (
            f"{result.day}, commit {result.commit}; {machine['processor']}, {machine['cores']} cores, {machine['system']}; "
            f"load average before {machine['load_average_before']}. By `make scale SCALE_ARGS=--write`.",
            "",
            *_throughput(result.rows),
            "",
            f"{machine['cores']} cores carry all of it: generators, {LINES} subscribers at a time, five web processes, nine "
            "workers and clocks, eleven Valkeys, two PostgreSQLs, PgBouncer and the gateway. So more web processes are no more "
            "machines here: the table tells what a registration costs each part, and that hosts work as one.",
            "",
            *_failures(result.outcome),
            "",
            *_verdict(result.outcome),
        )
    )


def write(result: Result, document: Path) -> None:
    """Put the tables into their place in the document; raises ``ValueError`` if it has none, and ``OSError``."""
    text = document.read_text(encoding="utf-8")
    if _PLACE.search(text) is None:
        raise ValueError(f"{document} has no place for it: two lines, <!-- scale:runs --> and <!-- /scale:runs -->")
    told = f"<!-- scale:runs -->\n\n{tables(result)}\n\n<!-- /scale:runs -->"
    document.write_text(_PLACE.sub(lambda _found: told, text), encoding="utf-8")


def _throughput(rows: Sequence[Row]) -> list[str]:
    lines = [
        "| web processes | registrations | told to try again | a second | hop, ms (median, 95 %) | "
        + " | ".join(f"CPU {part}, ms" for part in _PARTS)
        + " | busy cores |",
        "| --- | --: | --: | --: | --: | " + "--: | " * len(_PARTS) + "--: |",
    ]
    for row in rows:
        cpu = " | ".join(f"{row.cpu_ms[part]:.2f}" for part in _PARTS)
        hops = f"{row.hop_ms[0]:.1f}, {row.hop_ms[1]:.1f}"
        many = f"{row.registrations:,} | {row.refused} | {row.a_second:.1f}"
        lines.append(f"| {row.words} | {many} | {hops} | {cpu} | {row.busy_cores:.1f} |")
    return [*lines, "", "CPU is for one registration: five hops, its ticket's SMS and two receipts or more."]


def _failures(outcome: Outcome) -> list[str]:
    lines = [
        f"{outcome.subscribers} people registered meanwhile, by USSD and SMS, each request at any of four web hosts, and an "
        "officer looked at the figures at one host after the other:",
        "",
        "| what failed | fine | sorry | 5xx | no answer | slowest, s | answers good after, s | sending good after, s "
        "| pages fine | not | good after, s |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for each in outcome.failures:
        seen = " | ".join(str(each.saw.get(kind, 0)) for kind in (FINE, SORRY, REFUSED, SILENCE))
        after = [_after(found) for found in (each.answers, each.sending, each.seeing)]
        pages = each.pages.get(FINE, 0)
        bad = sum(each.pages.values()) - pages
        lines.append(
            f"| {each.words} | {seen} | {each.slowest:.2f} | {after[0]} | {after[1]} | {pages} | {bad} | {after[2]} |"
        )
    return lines


def _after(found: float | None) -> str:
    return "not" if found is None else f"{found:.1f}"


def _verdict(outcome: Outcome) -> list[str]:
    verdict = outcome.verdict
    found = {
        "tickets shown that do not exist": len(verdict.lost_tickets),
        "acknowledged texts that were not handled": len(verdict.lost_texts),
        "messages sent twice": len(verdict.doubled_messages),
        "people booked twice": len(verdict.doubled_bookings),
        "sessions overbooked": len(verdict.overbooked),
        "invariants broken": len(verdict.broken),
        "people without a ticket": len(verdict.unserved),
        "messages of unknown fate": verdict.unknown,
        f"messages and texts still under way after {SETTLES_WITHIN:.0f} s": outcome.under_way,
        f"messages without their end, of {outcome.receipts:,} receipts": outcome.without_end,
        "receipts that were refused": outcome.refused_receipts,
        "bookings that the replica does not have": outcome.missing,
        "processes that ended by themselves and were started anew, as systemd or Kubernetes would": outcome.renewed,
    }
    return [f"- {words}: {many}" for words, many in found.items()]
