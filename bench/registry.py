"""All benches, in the order in which ``python -m bench all`` runs and ``report`` shows them; ``GROWTH`` comes last, once."""

from __future__ import annotations

from typing import Any

from bench.bench import Bench
from bench.entries import blast, bookings, hops, importing, pages, receipts, replies, rush
from bench.entries.growth import growth_of

BENCHES: tuple[Bench[Any, Any], ...] = (
    hops.BENCH,
    replies.BENCH,
    bookings.BENCH,
    blast.BENCH,
    receipts.BENCH,
    importing.BENCH,
    pages.BENCH,
    rush.BENCH,
)

#: How their costs grow, a bench like the others.
GROWTH = growth_of(BENCHES)
