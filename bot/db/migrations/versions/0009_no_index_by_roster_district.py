"""Nobody asks for workers by the district of the roster alone: where they live counts, which has an index of its own."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Drop it."""
    op.execute("DROP INDEX ix_worker_district_code")
