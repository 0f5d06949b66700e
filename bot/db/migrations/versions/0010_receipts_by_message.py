"""A receipt names the message that it is about.

Receipts of messages that were sent one after another come one after another. Known by their messages they will stand together
in an index too, instead of wherever the provider's ids fall: then that one goes, once no process is left that needs it.
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make room for it; those that were kept before name none."""
    op.execute("ALTER TABLE receipt ADD COLUMN message_id BIGINT")
