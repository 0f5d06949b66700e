"""``python -m bench blast``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from bench.bench import Bench, Growth
from bench.blast import BlastResult, Company, Measured, WantedBlast, measure
from bench.blast_printing import show_blast
from bench.measures import Figure, Goal, Work, by_part, peaks_by_part
from bench.measures import Measured as Common

_DEFAULT = WantedBlast()
#: What is to be reached: messages a second over the plain loop's, seconds, MiB, milliseconds.
LEAST_RATIO = {"africastalking": 0.4, "twilio": 0.6}
MOST_MATERIALISE_S, MOST_WORKER_MIB, MOST_HOP_P99_MS, MOST_TICKET_S = 20.0, 150.0, 250.0, 2.0
_NOTHING_SEEN = float("inf")


def wanted(recipients: int = _DEFAULT.recipients, twilio: int = _DEFAULT.twilio) -> WantedBlast:
    """What to measure, of the options."""
    if twilio > recipients // 2:
        raise click.UsageError("--twilio: at most half of the recipients.")
    return WantedBlast(recipients, twilio)


def measured(result: BlastResult) -> Common:
    """What came of it, in the common shape."""
    sents = [one.sent for one in result.measured]
    company = result.company
    return Common(
        work=tuple(map(_work, result.measured)),
        peak_mib=peaks_by_part(result.peak_mib),
        goals=(
            *(
                Goal(f"{one.sent.gateway}: messages/s to the floor's", one.ratio, least=LEAST_RATIO[one.sent.gateway])
                for one in result.measured
            ),
            Goal(
                "a campaign is materialised", max(one.materialise_s for one in sents), most=MOST_MATERIALISE_S, unit="s"
            ),
            Goal(
                "memory of a worker of the blast",
                max(one.worker_mib for one in sents),
                most=MOST_WORKER_MIB,
                unit="MiB",
            ),
            *_company_goals(company),
        ),
        figures=(
            *(
                Figure(f"{one.sent.gateway}: messages/s of the loop flat out", one.flat_out.per_second)
                for one in result.measured
            ),
            *([Figure("in company: messages/s", company.sent.per_second)] if company else []),
        ),
        wrong=result.wrong,
    )


def _company_goals(company: Company | None) -> tuple[Goal, ...]:
    if company is None:
        return ()
    p99 = company.hop_p99_ms if company.hops else _NOTHING_SEEN
    longest = company.ticket_longest_s if company.tickets else _NOTHING_SEEN
    return (
        Goal("in company: p99 of a hop", p99, most=MOST_HOP_P99_MS, unit="ms"),
        Goal("in company: the slowest ticket's way to the gateway", longest, most=MOST_TICKET_S, unit="s"),
    )


#: Africa's Talking's campaigns of the smallest size: one has too little CPU to be read.
_SMALL, _SMALL_CAMPAIGNS = 50_000, 5
#: Twilio's campaigns while the others grow: what is there already grows with them. Nearly as many recipients as the smallest
#: roster has: what a campaign costs once, to find its recipients on the roster, weighs less then. And several of them: what the
#: service counts now and then for its pages weighs as much as it does in the long run, whenever that falls.
_GROWN_TWILIO, _GROWN_TWILIO_CAMPAIGNS = 9000, 4


def _grown(recipients: int) -> WantedBlast:
    campaigns = _SMALL_CAMPAIGNS if recipients < _SMALL else 1
    return WantedBlast(recipients, _GROWN_TWILIO, campaigns, _GROWN_TWILIO_CAMPAIGNS, company=False)


def _work(one: Measured) -> Work:
    return Work(
        name=one.sent.gateway,
        unit="message",
        units=one.sent.recipients,
        per_second=one.sent.per_second,
        floor_per_second=one.floor.per_second,
        ratio=one.ratio,
        cpu_us=by_part(one.sent.cpu_us),
        floor_cpu_us=one.floor.cpu_seconds / one.floor.messages * 1e6,
    )


def _stored(result: BlastResult) -> dict[str, Any]:
    return asdict(result)


BENCH = Bench(
    name="blast",
    about="Whole campaigns to a stub gateway, against the floor of a loop that sends the same and writes nothing.",
    options=(
        click.Option(["--recipients"], type=click.IntRange(1000), default=_DEFAULT.recipients, show_default=True),
        click.Option(["--twilio"], type=click.IntRange(0), default=_DEFAULT.twilio, show_default=True, help="Of them."),
    ),
    wanted=wanted,
    measure=measure,
    measured=measured,
    stored=_stored,
    shown=show_blast,
    growth=Growth("messages", (10_000, 100_000, 1_000_000), _grown),
)
