"""Whom something happened to of late is found in ranges of four pages, and no longer sixteen.

Who registers within some seconds is spread over all of the roster: at a rush nearly each range of sixteen pages had somebody, and
each look read the whole table.
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

WAITS = "workers: less than a second for a million of them"

STATEMENTS = """
DROP INDEX ix_worker_touched;
CREATE INDEX ix_worker_touched ON worker USING brin (started_at, verified_at, confirmed_at, updated_at)
    WITH (pages_per_range = 4, autosummarize = on);
"""


def upgrade() -> None:
    """Make its ranges anew."""
    op.execute(STATEMENTS)
