"""All benches, in the order in which ``python -m bench all`` runs them and ``report`` shows them."""

from __future__ import annotations

from typing import Any

from bench.bench import Bench
from bench.entries import blast, hops, pages, rush

BENCHES: tuple[Bench[Any, Any], ...] = (
    hops.BENCH,
    blast.BENCH,
    pages.BENCH,
    rush.BENCH,
)
