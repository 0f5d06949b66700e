"""Where conversations went is kept for a month, and where each worker stands now."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = """
CREATE TABLE hop (
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    worker_id BIGINT,
    visit INTEGER NOT NULL,
    channel TEXT NOT NULL,
    flow TEXT NOT NULL,
    state TEXT NOT NULL,
    CONSTRAINT ck_hop_channel CHECK (channel IN ('ussd', 'sms'))
);
CREATE INDEX ix_hop_worker_id_at ON hop (worker_id, at) WHERE worker_id IS NOT NULL;
CREATE INDEX ix_hop_at ON hop USING brin (at) WITH (pages_per_range = 16, autosummarize = on);

CREATE TABLE hop_batch (
    number BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_hop_batch PRIMARY KEY (number)
);
CREATE INDEX ix_hop_batch_at ON hop_batch (at);

CREATE TABLE last_stop (
    worker_id BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    channel TEXT NOT NULL,
    flow TEXT NOT NULL,
    state TEXT NOT NULL,
    CONSTRAINT pk_last_stop PRIMARY KEY (worker_id),
    CONSTRAINT ck_last_stop_channel CHECK (channel IN ('ussd', 'sms'))
) WITH (fillfactor = 75);
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(STATEMENTS)
