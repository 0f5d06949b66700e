"""Which part gives way first as there are more people, and what is done then. Nothing of that is home-made."""

from __future__ import annotations

from dataclasses import dataclass

from bot.evaluation.figures import EVERY
from sizing.formulas import GIB, disk, memory, messages, peak
from sizing.inputs import Inputs
from sizing.measured import Measured

#: Milliseconds between two looks at what has changed; a look has to be over before the next.
_LOOK_MS = EVERY.total_seconds() * 1000


@dataclass(frozen=True, slots=True)
class Part:
    """Something there is one of, and how much of it so many people take up: 1 is all. ``then``: what is done before that."""

    name: str
    taken: float
    then: str

    def people(self, of: float) -> float:
        """How many people it carries, if ``taken`` is by ``of`` people."""
        return of / self.taken


def parts(people: float, put: Inputs, found: Measured) -> list[Part]:
    """All parts, those that give way first in front."""
    sent, at_peak = messages(people, put, found), peak(people, put, found)
    stored, kept = disk(people, put, found), memory(people, put, found)
    all_parts = [
        Part(
            "a gateway that takes one message a request",
            sent.per_second / put.single_rate,
            "more numbers or a contract for more; or a gateway that takes batches",
        ),
        Part(
            "a gateway that takes batches",
            sent.per_second / put.batch_rate,
            "several accounts or gateways, a campaign each; or more days for a blast",
        ),
        Part(
            "one machine for web",
            at_peak.web_cores / put.machine_cores,
            "more of them: web keeps nothing",
        ),
        Part(
            "one machine for the workers of a blast",
            sent.batch_cores / put.machine_cores,
            "more of them: a worker takes what is queued",
        ),
        Part(
            "one PostgreSQL: its processors",
            at_peak.postgresql_cores / put.postgresql_cores,
            "pages read from the replica; then Citus, distributed by district",
        ),
        Part(
            "`message` as one table",
            stored.message_table / GIB / put.table_gib,
            "PostgreSQL's own partitions: by campaign, what has none by month",
        ),
        Part(
            "`receipt` as one table",
            stored.receipt_table / GIB / put.table_gib,
            "partitions by month",
        ),
        Part(
            "one Redis: its one thread",
            at_peak.valkey_cores,
            "Redis Cluster: a conversation is one key, so it goes to any node",
        ),
        Part(
            "one Redis: its memory",
            kept.whole / GIB / put.redis_gib,
            "Redis Cluster",
        ),
    ]
    if found.looks is not None:
        all_parts.append(
            Part(
                "figures every 5 s, counted by one worker",
                found.looks.ms / _LOOK_MS * people / found.looks.people,
                "seldomer, or from the replica; with Citus its nodes count their own rows",
            )
        )
    if found.receipt is not None:
        all_parts.append(
            Part(
                "one worker that applies receipts",
                at_peak.receipts * found.receipt.workers / 1e6 / put.busy,
                "a consumer group of the same stream, so that several share it (not built)",
            )
        )
    return sorted(all_parts, key=lambda part: -part.taken)
