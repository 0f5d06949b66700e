"""What comes in, what goes out, and what became of it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bot.db.schema.columns import id_column, metadata, moment

opt_out = Table(
    "opt_out",
    metadata,
    Column("phone", Text, primary_key=True),
    Column("source", Text, nullable=False),
    moment("since", null=False),
)

#: Every inbound SMS, once per gateway message id. ``text_sealed``: people text their NIK.
inbound = Table(
    "inbound",
    metadata,
    id_column(),
    Column("gateway", Text, nullable=False),
    Column("gateway_message_id", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("recipient", Text, nullable=False, server_default=""),
    Column("link_id", Text),
    Column("text_sealed", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    moment("received_at", null=False),
    moment("claimed_until"),
    moment("settled_at"),
    CheckConstraint("state IN ('received', 'handled', 'ignored', 'dead')", name="state"),
    UniqueConstraint("gateway", "gateway_message_id"),
    Index("ix_inbound_waiting", "received_at", postgresql_where=text("state = 'received'")),
    Index("ix_inbound_dead", "id", postgresql_where=text("state = 'dead'")),
    Index(None, "phone", "id"),
)

#: Numbers that a gateway said are none, or reach nobody.
wrong_number = Table(
    "wrong_number",
    metadata,
    Column("phone", Text, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("reason", Text, nullable=False),
    moment("since", null=False),
)

#: The queue: one try to hand one message, or a thousand of one campaign, to a gateway. A claim and a submission are one
#: write each, however many messages there are. ``phone``: of a reply, for their order; ``number``: the how manieth try.
#: ``has_unknown``: the fate of some of its messages was unknown; ``asked_at``: when the gateway was last asked about them.
attempt = Table(
    "attempt",
    metadata,
    id_column(),
    Column("lane", Text, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("campaign_id", BigInteger, ForeignKey("campaign.id")),
    Column("language", Text),
    Column("time_zone", Text),
    Column("part", Integer, nullable=False, server_default="0"),
    Column("number", SmallInteger, nullable=False, server_default="1"),
    Column("size", Integer, nullable=False),
    Column("phone", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    moment("created_at", null=False),
    moment("due_at", null=False),
    moment("deadline_at"),
    moment("claimed_at"),
    moment("submitted_at"),
    moment("settled_at"),
    Column("has_unknown", Boolean, nullable=False, server_default="false"),
    moment("asked_at"),
    CheckConstraint("state IN ('queued', 'claimed', 'submitted', 'settled', 'unknown', 'cancelled')", name="state"),
    CheckConstraint("lane IN ('reply', 'reminder', 'blast')", name="lane"),
    Index("ix_attempt_queued", "lane", "due_at", "id", postgresql_where=text("state = 'queued'")),
    Index("ix_attempt_open", "claimed_at", postgresql_where=text("state IN ('claimed', 'submitted')")),
    Index(
        "ix_attempt_in_flight",
        "phone",
        "id",
        postgresql_where=text("phone IS NOT NULL AND state IN ('queued', 'claimed', 'submitted')"),
    ),
    Index("ix_attempt_unknown", "gateway", "id", postgresql_where=text("has_unknown")),
    Index(
        "ix_attempt_settled_at",
        "settled_at",
        postgresql_where=text("campaign_id IS NOT NULL AND settled_at IS NOT NULL"),
    ),
    Index("ix_attempt_campaign_id", "campaign_id", postgresql_where=text("campaign_id IS NOT NULL")),
)

#: The outbox: every message to a person, once per ``natural_key``, or per campaign, worker and booking. A campaign's
#: have no body: it is made of the campaign's text when they leave. ``queued`` until something is known, so also while
#: its attempt is under way. ``provider_id``: the id by which the gateway knows it. No index names what changes, and half
#: a million recipients have no foreign keys to check: so a message's row is written once and changed in its place.
message = Table(
    "message",
    metadata,
    id_column(),
    Column("campaign_id", BigInteger),
    Column("worker_id", BigInteger),
    Column("booking_id", BigInteger, ForeignKey("booking.id", ondelete="SET NULL")),
    Column("inbound_id", BigInteger, ForeignKey("inbound.id", ondelete="SET NULL")),
    Column("attempt_id", BigInteger, nullable=False),
    Column("phone", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("provider_id", Text),
    moment("settled_at"),
    moment("created_at", null=False),
    Column("lane", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("natural_key", Text),
    Column("body", Text),
    Column("link_id", Text),
    Column("inline", Boolean, nullable=False, server_default="false"),
    CheckConstraint("state IN ('queued', 'accepted', 'delivered', 'rejected', 'unknown', 'suppressed')", name="state"),
    CheckConstraint("lane IN ('reply', 'reminder', 'blast')", name="lane"),
    CheckConstraint("(campaign_id IS NULL) = (natural_key IS NOT NULL)", name="about"),
    CheckConstraint("campaign_id IS NOT NULL OR body IS NOT NULL", name="body"),
    Index("uq_message_natural_key", "natural_key", unique=True, postgresql_where=text("natural_key IS NOT NULL")),
    Index(
        "uq_message_recipient",
        "worker_id",
        "campaign_id",
        "booking_id",
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=text("campaign_id IS NOT NULL"),
    ),
    Index(None, "attempt_id"),
    Index(None, "phone"),
    Index(None, "worker_id", postgresql_where=text("campaign_id IS NULL AND worker_id IS NOT NULL")),
    Index(None, "booking_id", postgresql_where=text("booking_id IS NOT NULL")),
    Index(None, "inbound_id", postgresql_where=text("inbound_id IS NOT NULL")),
    # a batch changes every row of a page at once, and each new version wants a place there
    postgresql_with={"fillfactor": "40"},
)

#: The other ids of messages that a gateway has taken more than once: an admin had them sent again.
further_acceptance = Table(
    "further_acceptance",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("provider_id", Text, primary_key=True),
    Column("message_id", BigInteger, nullable=False),
    moment("at", null=False),
)

#: Every receipt that came, matched or not, as told. ``our_id``: our message's, where the gateway carries it; ``message_id``: of
#: the one it was matched to, NULL also of those that were kept before 0010. They stand by their messages: those of one blast
#: come one after another, and the provider's ids would have each written somewhere else in an index.
receipt = Table(
    "receipt",
    metadata,
    id_column(),
    Column("gateway", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("our_id", BigInteger),
    Column("phone", Text),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("matched", Boolean, nullable=False, server_default="false"),
    moment("received_at", null=False),
    Column("message_id", BigInteger),
    Index(
        "uq_receipt_of_message",
        "message_id",
        "provider_id",
        "status",
        "reason",
        "gateway",
        unique=True,
        postgresql_where=text("message_id IS NOT NULL"),
    ),
    Index(
        "uq_receipt_of_none",
        "gateway",
        "provider_id",
        "status",
        "reason",
        unique=True,
        postgresql_where=text("message_id IS NULL"),
    ),
    Index("ix_receipt_early", "gateway", "provider_id", postgresql_where=text("NOT matched")),
)
