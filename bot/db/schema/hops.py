"""Where conversations went, turn by turn, and where each worker stands: copied from a stream (``bot.registration.hops``).

Neither has a foreign key: turns are written by the thousand, and what they are about may be looked up, but need not be there.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text, text

from bot.db.schema.columns import metadata, moment

_CHANNELS = "channel IN ('ussd', 'sms')"

#: A turn: where the person stood after it. ``visit``: the same for all turns of a USSD session, or of a conversation by SMS.
hop = Table(
    "hop",
    metadata,
    moment("at", null=False),
    Column("worker_id", BigInteger),
    Column("visit", Integer, nullable=False),
    Column("channel", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("state", Text, nullable=False),
    CheckConstraint(_CHANNELS, name="channel"),
    Index(None, "worker_id", "at", postgresql_where=text("worker_id IS NOT NULL")),
    # They come nearly in the order of time, and go by it.
    Index(None, "at", postgresql_using="brin", postgresql_with={"pages_per_range": "16", "autosummarize": "on"}),
)

#: Which batches have been copied, so that one that is read twice is written once.
hop_batch = Table(
    "hop_batch",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    moment("at", null=False),
    Index(None, "at"),
)

#: The last turn of each worker.
last_stop = Table(
    "last_stop",
    metadata,
    Column("worker_id", BigInteger, primary_key=True, autoincrement=False),
    moment("at", null=False),
    Column("channel", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("state", Text, nullable=False),
    CheckConstraint(_CHANNELS, name="channel"),
    # A row changes with every batch that its worker is in.
    postgresql_with={"fillfactor": "75"},
)
