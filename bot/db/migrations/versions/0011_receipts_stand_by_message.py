"""Receipts stand by the message that they are about, and not by the provider's ids: see 0010.

Those that name none, because none was found or because they are older than 0010, stand by the provider's id as before. While
processes of 0010 still run, one of them may meet the same receipt twice, once with its message: it tries again until there is
none of them left.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"

WAITS = "receipts: some 1.3 s for a million of them, which the stream keeps meanwhile"
#: Rules that go, and the revision since which no statement names them.
UNNAMED = {"receipt.uq_receipt_told": "0010"}

STATEMENTS = """
CREATE UNIQUE INDEX uq_receipt_of_message ON receipt (message_id, provider_id, status, reason, gateway)
    WHERE message_id IS NOT NULL;
CREATE UNIQUE INDEX uq_receipt_of_none ON receipt (gateway, provider_id, status, reason) WHERE message_id IS NULL;
DROP INDEX uq_receipt_told;
"""


def upgrade() -> None:
    """Make the two, which allow whatever the one allowed, and drop it."""
    op.execute(STATEMENTS)
