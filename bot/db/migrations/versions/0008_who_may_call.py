"""Guesses at birth dates are slowed the longer they go on, and counted by blocks of numbers; sessions end for good."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = """
ALTER TABLE identity_guard
    ADD COLUMN counted_since TIMESTAMP WITH TIME ZONE,
    ADD COLUMN locks INTEGER DEFAULT 0 NOT NULL,
    ADD COLUMN last_locked_at TIMESTAMP WITH TIME ZONE,
    DROP CONSTRAINT ck_identity_guard_kind,
    ADD CONSTRAINT ck_identity_guard_kind CHECK (kind IN ('phone', 'nik', 'block'));
CREATE INDEX ix_identity_guard_locked ON identity_guard (locked_until) WHERE locked_until IS NOT NULL;
CREATE INDEX ix_identity_guard_niks_lately ON identity_guard (last_failure_at) WHERE kind = 'nik';

CREATE TABLE ended_session (
    id TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_ended_session PRIMARY KEY (id)
);
CREATE INDEX ix_ended_session_at ON ended_session (at);
"""


def upgrade() -> None:
    """Make them."""
    op.execute(STATEMENTS)
