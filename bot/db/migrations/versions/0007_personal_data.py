"""People can be erased and their data aged: how far a walk through a table has come is kept, so that it can be taken up again."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = """
ALTER TABLE worker ADD COLUMN erased_at TIMESTAMP WITH TIME ZONE;

CREATE TABLE data_walk (
    name TEXT NOT NULL,
    up_to BIGINT DEFAULT '0' NOT NULL,
    done BIGINT DEFAULT '0' NOT NULL,
    told BIGINT DEFAULT '0' NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_data_walk PRIMARY KEY (name)
);
"""


def upgrade() -> None:
    """Make the column and the table."""
    op.execute(STATEMENTS)
