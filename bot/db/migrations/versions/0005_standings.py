"""Figures are kept person by person, so that a count looks only at whom something happened to."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = """
CREATE TABLE worker_standing (
    worker_id BIGINT NOT NULL,
    home TEXT NOT NULL,
    facility_id BIGINT NOT NULL,
    steps INTEGER NOT NULL,
    CONSTRAINT pk_worker_standing PRIMARY KEY (worker_id)
) WITH (fillfactor = 75);

CREATE TABLE place_count (
    home TEXT NOT NULL,
    facility_id BIGINT NOT NULL,
    target INTEGER DEFAULT '0' NOT NULL,
    with_phone INTEGER DEFAULT '0' NOT NULL,
    invited INTEGER DEFAULT '0' NOT NULL,
    delivered INTEGER DEFAULT '0' NOT NULL,
    started INTEGER DEFAULT '0' NOT NULL,
    verified INTEGER DEFAULT '0' NOT NULL,
    screened INTEGER DEFAULT '0' NOT NULL,
    registered INTEGER DEFAULT '0' NOT NULL,
    attended INTEGER DEFAULT '0' NOT NULL,
    silent INTEGER DEFAULT '0' NOT NULL,
    places_left BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_place_count PRIMARY KEY (home, facility_id)
) WITH (fillfactor = 50);
CREATE INDEX ix_place_count_facility_id ON place_count (facility_id);

CREATE INDEX ix_worker_touched ON worker USING brin (started_at, verified_at, confirmed_at, updated_at)
    WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX ix_screening_screened_at ON screening USING brin (screened_at)
    WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX ix_attempt_settled_at ON attempt (settled_at) WHERE campaign_id IS NOT NULL AND settled_at IS NOT NULL;

DELETE FROM figure_snapshot WHERE kind IN ('progress', 'registrations', 'follow-up');
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(STATEMENTS)
