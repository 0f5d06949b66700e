"""What the command room keeps: figures made ready, people to follow up, uploads, and the tokens of programs."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from bot.db.schema.columns import id_column, metadata, moment

#: Figures as they were at a moment, made by a worker so that pages need not count: the newest of each kind.
figure_snapshot = Table(
    "figure_snapshot",
    metadata,
    Column("kind", Text, primary_key=True),
    moment("as_of", null=False),
    Column("took_ms", Integer, nullable=False),
    Column("body", JSONB, nullable=False),
)

#: How far each worker is, as it was last looked at: one bit of ``steps`` for each count (``bot.evaluation.counts``), and
#: where they count. What has changed since is added to or taken from ``place_count``.
worker_standing = Table(
    "worker_standing",
    metadata,
    Column("worker_id", BigInteger, primary_key=True, autoincrement=False),
    Column("home", Text, nullable=False),
    Column("facility_id", BigInteger, nullable=False),
    Column("steps", Integer, nullable=False),
    postgresql_with={"fillfactor": "75"},
)

#: The counts of the workers who live in a district and belong to a facility (0: to none), and the places that are left in
#: sessions to come of a facility of the district.
place_count = Table(
    "place_count",
    metadata,
    Column("home", Text, primary_key=True),
    Column("facility_id", BigInteger, primary_key=True, autoincrement=False),
    *(
        Column(name, Integer, nullable=False, server_default="0")
        for name in (
            "target",
            "with_phone",
            "invited",
            "delivered",
            "started",
            "verified",
            "screened",
            "registered",
            "attended",
            "silent",
        )
    ),
    Column("places_left", BigInteger, nullable=False, server_default="0"),
    Index(None, "facility_id"),
    postgresql_with={"fillfactor": "50"},
)

#: Registrations less cancellations in each quarter of an hour that begins ``at``, of each place: see
#: ``bot.evaluation.curve``. Made from the bookings, so that half a million of them need not be read for a curve.
registration_count = Table(
    "registration_count",
    metadata,
    Column("place", Text, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("net", Integer, nullable=False),
    Index(None, "at"),
)

#: Somebody whom an officer calls or visits: who has taken it on, and what came of it. ``note_sealed``: their own words.
follow_up = Table(
    "follow_up",
    metadata,
    Column("worker_id", BigInteger, ForeignKey("worker.id", ondelete="CASCADE"), primary_key=True),
    Column("taken_by", Text),
    moment("taken_at"),
    Column("outcome", Text),
    Column("note_sealed", LargeBinary),
    Column("noted_by", Text),
    moment("noted_at"),
    CheckConstraint("outcome IN ('reached', 'refuses', 'moved', 'ill', 'registered')", name="outcome"),
    Index("ix_follow_up_taken_by", "taken_by", postgresql_where=text("taken_by IS NOT NULL")),
)

#: Who is not registered, and why: the list made ready by a worker (``bot.followup.gathering``). ``name``: in small letters.
follow_up_case = Table(
    "follow_up_case",
    metadata,
    Column("worker_id", BigInteger, ForeignKey("worker.id", ondelete="CASCADE"), primary_key=True),
    Column("district_code", Text, nullable=False),
    Column("facility_id", BigInteger),
    Column("name", Text, nullable=False),
    Column("profession", Text, nullable=False),
    Column("reason", Text, nullable=False),
    moment("since", null=False),
    Index(None, "district_code", "reason", "since", "worker_id"),
)

#: A list that an admin has uploaded, until a worker has read it. ``rejected``: the rejected rows as CSV, sealed, because
#: they hold people's data; both files are dropped after some days.
upload = Table(
    "upload",
    metadata,
    id_column(),
    Column("kind", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("uploaded_by", Text, nullable=False),
    moment("uploaded_at", null=False),
    moment("started_at"),
    moment("finished_at"),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("total", Integer),
    Column("report", JSONB),
    Column("content_sealed", LargeBinary),
    Column("rejected_sealed", LargeBinary),
    CheckConstraint("kind IN ('districts', 'facilities', 'roster', 'sessions')", name="kind"),
    CheckConstraint("state IN ('waiting', 'running', 'finished', 'failed')", name="state"),
    Index("ix_upload_open", "id", postgresql_where=text("state IN ('waiting', 'running')")),
)

#: What a program may do in an admin's name. ``token_hash``: SHA-256 of a token that was shown once.
api_token = Table(
    "api_token",
    metadata,
    id_column(),
    Column("admin_id", BigInteger, ForeignKey("admin.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    moment("created_at", null=False),
    moment("expires_at"),
    moment("revoked_at"),
    moment("last_used_at"),
    Index(None, "admin_id"),
)

#: Sessions of the command room that were ended by signing out, by the hash of their id, until they would be over anyway.
ended_session = Table(
    "ended_session",
    metadata,
    Column("id", Text, primary_key=True),
    moment("at", null=False),
    Index(None, "at"),
)

#: The answer to a request that must not be carried out twice, by the key that its caller gave it.
idempotent_request = Table(
    "idempotent_request",
    metadata,
    Column("token_id", BigInteger, ForeignKey("api_token.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger),
    Column("body", JSONB),
    moment("at", null=False),
    Index(None, "at"),
)
