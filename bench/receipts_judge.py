"""Whether each delivery report of the bench ``receipts`` was applied, once, and none undid another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import psycopg

from bench.receipts_world import GATEWAY, Report, Sent, last_words

_MESSAGES = "SELECT id, state, provider_id, reason IS NOT NULL FROM message WHERE id = ANY(%s)"
_RECEIPTS = "SELECT provider_id, status, matched FROM receipt WHERE gateway = %s AND provider_id = ANY(%s)"
_OPEN = "SELECT count(*) FROM attempt WHERE id = ANY(%s) AND state <> 'settled'"


def judge(database_url: str, messages: Sequence[Sent], reports: Sequence[Report]) -> Iterator[str]:
    """A line for each thing that is wrong, once our own answers are on record."""
    told = {(report.message.provider_id, report.status) for report in reports}
    ends = last_words(reports)
    with psycopg.connect(database_url) as connection:
        ids = [message.provider_id for message in messages]
        kept = connection.execute(_RECEIPTS, (GATEWAY, ids)).fetchall()
        found = connection.execute(_MESSAGES, ([message.id for message in messages],)).fetchall()
        further = connection.execute("SELECT count(*) FROM further_acceptance").fetchone()
        still_open = connection.execute(_OPEN, (list({message.attempt for message in messages}),)).fetchone()
    named = {message.id: message.provider_id for message in messages}
    counts = Counter((provider_id, status) for provider_id, status, _ in kept)
    wrong = {
        "reports are not kept": len(told - counts.keys()),
        "reports are kept that never came": len(counts.keys() - told),
        "reports are kept twice": sum(count - 1 for count in counts.values()),
        "reports are kept and not applied": sum(not matched for _, _, matched in kept),
        "messages are lost": len(messages) - len(found),
        "messages do not stand as the last word about them says": sum(
            state != ends[number] for number, state, _, _ in found
        ),
        "messages have another id than the gateway gave them": sum(
            provider != named[number] for number, _, provider, _ in found
        ),
        "messages were rejected without a reason, or the other way round": sum(
            (state == "rejected") != has_reason for _, state, _, has_reason in found
        ),
        "messages were taken for sent twice": int(further[0]) if further else 0,
        "attempts are still open": int(still_open[0]) if still_open else 0,
    }
    yield from (f"{count} {what}" for what, count in wrong.items() if count)
