"""The register of numbers that a gateway said are none, or reach nobody: the next blast leaves them out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

_WRONG_NUMBERS = """
INSERT INTO wrong_number (phone, gateway, reason, since)
SELECT phone, gateway, reason, %(now)s
FROM unnest(%(phones)s::text[], %(gateways)s::text[], %(reasons)s::text[]) AS t (phone, gateway, reason)
ORDER BY phone ON CONFLICT (phone) DO NOTHING
"""


def register_wrong(connection: psycopg.Connection[Any], numbers: Sequence[tuple[str, str, str]], now: datetime) -> None:
    """Remember numbers that reach nobody: (phone, gateway, reason) each."""
    phones, gateways, reasons = (list(column) for column in zip(*numbers, strict=True))
    connection.execute(_WRONG_NUMBERS, {"phones": phones, "gateways": gateways, "reasons": reasons, "now": now})
