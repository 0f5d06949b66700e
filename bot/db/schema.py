"""The tables, as SQLAlchemy sees them. Migrations make them; a test holds that both say the same.

Times are UTC (``timestamptz``); dates and hours of a vaccination session are also kept as the district reads them.
Constraints carry the invariants of ARCHITECTURE.md: what must be unique is UNIQUE, what must not be exceeded is CHECKed.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=False), primary_key=True)


def _moment(name: str, *, null: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=null)


district = Table(
    "district",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("province_code", Text, nullable=False),
    Column("province", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
)

facility = Table(
    "facility",
    metadata,
    _id(),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False, server_default=""),
    Column("district_code", Text, ForeignKey("district.code"), nullable=False),
    Index(None, "district_code"),
)

#: The roster: everybody who is to be vaccinated. ``domicile_code`` is what the worker told us, if another district.
worker = Table(
    "worker",
    metadata,
    _id(),
    Column("nik_hash", LargeBinary, nullable=False, unique=True),
    Column("nik_sealed", LargeBinary, nullable=False),
    Column("nik_tail", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("birth_date", Date, nullable=False),
    Column("sex", Text, nullable=False),
    Column("phone", Text),
    Column("district_code", Text, ForeignKey("district.code"), nullable=False),
    Column("domicile_code", Text, ForeignKey("district.code")),
    Column("facility_id", BigInteger, ForeignKey("facility.id")),
    Column("profession", Text, nullable=False, server_default=""),
    Column("language", Text, nullable=False, server_default="id"),
    _moment("invited_at"),
    _moment("started_at"),
    _moment("verified_at"),
    _moment("confirmed_at"),
    _moment("created_at", null=False),
    _moment("updated_at", null=False),
    CheckConstraint("sex IN ('M', 'F')", name="sex"),
    Index(None, "phone", postgresql_where=text("phone IS NOT NULL")),
    Index(None, "district_code"),
    Index(None, "facility_id"),
    # As below: a row changes four times on the way to a ticket.
    postgresql_with={"fillfactor": "75"},
)

#: The self-screening: ``outcome`` fit or deferred; what was answered only sealed.
screening = Table(
    "screening",
    metadata,
    Column("worker_id", BigInteger, ForeignKey("worker.id", ondelete="CASCADE"), primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("answer_sealed", LargeBinary),
    _moment("screened_at", null=False),
    CheckConstraint("outcome IN ('fit', 'deferred')", name="outcome"),
)

#: A session of a facility on one day, for one dose. ``taken`` counts the places held, booked, attended or missed.
vaccination_session = Table(
    "vaccination_session",
    metadata,
    _id(),
    Column("facility_id", BigInteger, ForeignKey("facility.id"), nullable=False),
    Column("dose", SmallInteger, nullable=False, server_default="1"),
    Column("local_date", Date, nullable=False),
    Column("start_time", Time, nullable=False),
    Column("end_time", Time, nullable=False),
    _moment("starts_at", null=False),
    _moment("ends_at", null=False),
    Column("capacity", Integer, nullable=False),
    Column("taken", Integer, nullable=False, server_default="0"),
    Column("open", Boolean, nullable=False, server_default="true"),
    CheckConstraint("taken BETWEEN 0 AND capacity", name="taken_within_capacity"),
    CheckConstraint("end_time > start_time", name="ends_after_start"),
    CheckConstraint("dose > 0", name="dose"),
    UniqueConstraint("facility_id", "dose", "local_date", "start_time"),
    Index(None, "facility_id", "dose", "starts_at"),
    # HOT updates of ``taken`` want free room on the page
    postgresql_with={"fillfactor": "70"},
)

#: A place of a worker: held for some minutes, then booked or let go.
booking = Table(
    "booking",
    metadata,
    _id(),
    Column("worker_id", BigInteger, ForeignKey("worker.id"), nullable=False),
    Column("dose", SmallInteger, nullable=False, server_default="1"),
    Column("session_id", BigInteger, ForeignKey("vaccination_session.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("ticket", Text, unique=True),
    Column("phone", Text),
    _moment("held_until"),
    _moment("created_at", null=False),
    _moment("booked_at"),
    _moment("ended_at"),
    CheckConstraint(
        "state IN ('held', 'booked', 'attended', 'no_show', 'cancelled', 'changed', 'expired')", name="state"
    ),
    CheckConstraint("(state = 'held') = (held_until IS NOT NULL)", name="held_until"),
    CheckConstraint("state NOT IN ('booked', 'attended', 'no_show') OR ticket IS NOT NULL", name="ticket"),
    Index("uq_booking_held", "worker_id", "dose", unique=True, postgresql_where=text("state = 'held'")),
    Index(
        "uq_booking_confirmed",
        "worker_id",
        "dose",
        unique=True,
        postgresql_where=text("state IN ('booked', 'attended')"),
    ),
    Index(None, "worker_id"),
    Index(None, "session_id"),
    Index("ix_booking_held", "session_id", "held_until", postgresql_where=text("state = 'held'")),
)

#: Wrong answers, counted by number ("phone") and, for strange numbers, by hashed NIK whether it is listed or not ("nik").
identity_guard = Table(
    "identity_guard",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    _moment("last_failure_at", null=False),
    _moment("locked_until"),
    Column("last_hop", Text, nullable=False, server_default=""),
    CheckConstraint("kind IN ('phone', 'nik')", name="kind"),
)

#: A strange number that proved NIK and birth date of a worker: it waits for the silence of the roster's number.
phone_claim = Table(
    "phone_claim",
    metadata,
    _id(),
    Column("worker_id", BigInteger, ForeignKey("worker.id", ondelete="CASCADE"), nullable=False),
    Column("phone", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("roster_phone", Text),
    _moment("opened_at", null=False),
    _moment("settled_at"),
    Column("settled_by", Text),
    CheckConstraint("state IN ('open', 'accepted', 'rejected')", name="state"),
    UniqueConstraint("worker_id", "phone"),
    Index(None, "phone"),
    Index(None, "roster_phone", postgresql_where=text("state = 'open'")),
)

#: "This is not me", said from a number on the roster after its birth date was right.
not_me_report = Table(
    "not_me_report",
    metadata,
    Column("worker_id", BigInteger, ForeignKey("worker.id", ondelete="CASCADE"), primary_key=True),
    Column("phone", Text, primary_key=True),
    _moment("reported_at", null=False),
)

#: Somebody who is not on the list and left their data for the district office.
enquiry = Table(
    "enquiry",
    metadata,
    _id(),
    Column("phone", Text, nullable=False),
    Column("nik_hash", LargeBinary, nullable=False),
    Column("nik_sealed", LargeBinary, nullable=False),
    Column("birth_date_sealed", LargeBinary),
    Column("district_code", Text, ForeignKey("district.code")),
    _moment("created_at", null=False),
    UniqueConstraint("phone", "nik_hash"),
)

opt_out = Table(
    "opt_out",
    metadata,
    Column("phone", Text, primary_key=True),
    Column("source", Text, nullable=False),
    _moment("since", null=False),
)

#: Every inbound SMS, once per gateway message id. ``text_sealed``: people text their NIK.
inbound = Table(
    "inbound",
    metadata,
    _id(),
    Column("gateway", Text, nullable=False),
    Column("gateway_message_id", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("recipient", Text, nullable=False, server_default=""),
    Column("link_id", Text),
    Column("text_sealed", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    _moment("received_at", null=False),
    _moment("claimed_until"),
    _moment("settled_at"),
    CheckConstraint("state IN ('received', 'handled', 'ignored', 'dead')", name="state"),
    UniqueConstraint("gateway", "gateway_message_id"),
    Index("ix_inbound_waiting", "received_at", postgresql_where=text("state = 'received'")),
    Index(None, "phone", "id"),
)

#: The outbox: every message to a person, once per ``natural_key``.
message = Table(
    "message",
    metadata,
    _id(),
    Column("natural_key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("link_id", Text),
    Column("language", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("worker_id", BigInteger, ForeignKey("worker.id", ondelete="SET NULL")),
    Column("booking_id", BigInteger, ForeignKey("booking.id", ondelete="SET NULL")),
    Column("inbound_id", BigInteger, ForeignKey("inbound.id", ondelete="SET NULL")),
    Column("inline", Boolean, nullable=False, server_default="false"),
    Column("state", Text, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("reason", Text),
    _moment("created_at", null=False),
    _moment("due_at", null=False),
    _moment("deadline_at"),
    _moment("settled_at"),
    CheckConstraint(
        "state IN ('queued', 'claimed', 'submitted', 'accepted', 'delivered', 'rejected', 'unknown', 'suppressed')",
        name="state",
    ),
    CheckConstraint("lane IN ('reply', 'reminder', 'blast')", name="lane"),
    Index("ix_message_queued", "lane", "due_at", "id", postgresql_where=text("state = 'queued'")),
    Index("ix_message_in_flight", "phone", "id", postgresql_where=text("state IN ('queued', 'claimed', 'submitted')")),
    Index(None, "worker_id"),
    Index(None, "booking_id"),
    Index(None, "inbound_id"),
)

#: One try to hand a message to a gateway. ``claimed_at`` + lease without an answer makes it unknown.
attempt = Table(
    "attempt",
    metadata,
    _id(),
    Column("message_id", BigInteger, ForeignKey("message.id", ondelete="CASCADE"), nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("provider_id", Text),
    Column("reason", Text),
    _moment("claimed_at", null=False),
    _moment("submitted_at"),
    _moment("settled_at"),
    CheckConstraint(
        "state IN ('claimed', 'submitted', 'accepted', 'delivered', 'rejected', 'unknown', 'released')", name="state"
    ),
    UniqueConstraint("message_id", "number"),
    Index(
        "uq_attempt_provider_id",
        "gateway",
        "provider_id",
        unique=True,
        postgresql_where=text("provider_id IS NOT NULL"),
    ),
    Index("ix_attempt_open", "claimed_at", postgresql_where=text("state IN ('claimed', 'submitted')")),
    Index("ix_attempt_unknown", "gateway", "phone", postgresql_where=text("state = 'unknown'")),
)

#: Every receipt that came, matched or not, as told.
receipt = Table(
    "receipt",
    metadata,
    _id(),
    Column("gateway", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("message_id", BigInteger),
    Column("phone", Text),
    Column("status", Text, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("matched", Boolean, nullable=False, server_default="false"),
    _moment("received_at", null=False),
    UniqueConstraint("gateway", "provider_id", "status", "reason"),
)

#: What an officer may change while the service runs, e.g. the end of registration.
setting = Table(
    "setting",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
    _moment("changed_at", null=False),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    _moment("at", null=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    Index(None, "subject"),
)
