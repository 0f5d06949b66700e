"""Who runs campaigns, and what those are."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from bot.db.schema.columns import id_column, metadata, moment

#: Who may run campaigns. ``area_code``: of a province, district or facility; none for the national roles. ``totp_sealed``:
#: the secret of their one-time passwords, in force once it is confirmed; ``totp_last_step`` the last one that was used.
#: Sessions that began before ``sessions_since`` are over.
admin = Table(
    "admin",
    metadata,
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("area_code", Text),
    moment("created_at", null=False),
    moment("disabled_at"),
    Column("language", Text, nullable=False, server_default="id"),
    Column("totp_sealed", LargeBinary),
    moment("totp_confirmed_at"),
    Column("totp_last_step", BigInteger),
    moment("sessions_since"),
    moment("last_sign_in_at"),
    CheckConstraint("role IN ('national', 'province', 'district', 'facility', 'call-centre')", name="role"),
    CheckConstraint("(role IN ('national', 'call-centre')) = (area_code IS NULL)", name="area"),
)

#: A blast, or the reminders of one kind and day. ``rate``: messages a second, the gateway's own if there is none;
#: ``segments``: SMS parts handed over so far, ``most_cost`` what they may cost.
campaign = Table(
    "campaign",
    metadata,
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("audience", JSONB, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("rate", Double),
    Column("ignore_quiet_hours", Boolean, nullable=False, server_default="false"),
    moment("start_at"),
    moment("deadline_at"),
    Column("most_cost", Numeric),
    Column("recipients", Integer),
    Column("segments", BigInteger, nullable=False, server_default="0"),
    Column("created_by", Text, nullable=False),
    moment("created_at", null=False),
    Column("approved_by", Text),
    moment("approved_at"),
    moment("materialised_at"),
    Column("paused_because", Text),
    moment("ended_at"),
    CheckConstraint("kind IN ('blast', 'reminder')", name="kind"),
    CheckConstraint("state IN ('draft', 'approved', 'running', 'paused', 'finished', 'cancelled')", name="state"),
    CheckConstraint("rate > 0", name="rate"),
)

#: SMS parts that campaigns handed over on a day of the campaign's time zone.
spending = Table(
    "spending",
    metadata,
    Column("day", Date, primary_key=True),
    Column("segments", BigInteger, nullable=False),
)

#: What a campaign says, in each language, with its placeholders.
campaign_text = Table(
    "campaign_text",
    metadata,
    Column("campaign_id", BigInteger, ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True),
    Column("language", Text, primary_key=True),
    Column("body", Text, nullable=False),
)
