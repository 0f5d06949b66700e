"""The audit log: who changed what, when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

_INSERT = "INSERT INTO audit (at, actor, action, subject, detail) VALUES (%s, %s, %s, %s, %s)"


def record(
    connection: psycopg.Connection[Any],
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write one line, within the caller's transaction. ``detail`` holds no personal data."""
    connection.execute(_INSERT, (at, actor, action, subject, Jsonb(dict(detail or {}))))
