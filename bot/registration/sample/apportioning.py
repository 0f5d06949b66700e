"""Dividing a whole number by weights."""

from __future__ import annotations

from collections.abc import Sequence


def apportion(total: int, weights: Sequence[float], *, least: int = 0) -> list[int]:
    """Parts that add up to ``total``, in proportion to ``weights``, each at least ``least`` as long as there is enough.

    Where there is not, the first ones get what there is.
    """
    if total <= least * len(weights):
        full, rest = divmod(total, least) if least else (0, 0)
        return [least if place < full else rest if place == full else 0 for place in range(len(weights))]
    free = total - least * len(weights)
    whole = sum(weights)
    parts: list[int] = []
    reached = 0.0
    given = 0
    for weight in weights:
        reached += weight
        upto = round(free * reached / whole)
        parts.append(least + upto - given)
        given = upto
    return parts
