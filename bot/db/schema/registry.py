"""Who is to be vaccinated, where and when, and what is known of them; what officers change, and who changed what."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from bot.db.schema.columns import id_column, metadata, moment

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
    id_column(),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False, server_default=""),
    Column("district_code", Text, ForeignKey("district.code"), nullable=False),
    Index(None, "district_code"),
)

#: The words of a worker's name, however they are joined.
NAME_WORDS = "to_tsvector('simple'::regconfig, translate(name, '.,''/-()', '       '))"

#: The roster: everybody who is to be vaccinated. ``domicile_code`` is what the worker told us, if another district.
worker = Table(
    "worker",
    metadata,
    id_column(),
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
    moment("started_at"),
    moment("verified_at"),
    moment("confirmed_at"),
    moment("created_at", null=False),
    moment("updated_at", null=False),
    # Nothing of who it was is left: the row stays for the figures and for what was booked.
    moment("erased_at"),
    CheckConstraint("sex IN ('M', 'F')", name="sex"),
    Index(None, "phone", postgresql_where=text("phone IS NOT NULL")),
    Index(None, "facility_id"),
    # Where somebody counts: where they live, if they have told us.
    Index("ix_worker_home", text("coalesce(domicile_code, district_code)")),
    # The words of a name, of which people type beginnings.
    Index("ix_worker_name_words", text(NAME_WORDS), postgresql_using="gin"),
    # Whom something happened to of late. Ranges of pages, so that a change of these stays within its page; short ones, since
    # those who register within some seconds are spread over all of the roster.
    Index(
        "ix_worker_touched",
        *("started_at", "verified_at", "confirmed_at", "updated_at"),
        postgresql_using="brin",
        postgresql_with={"pages_per_range": "4", "autosummarize": "on"},
    ),
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
    moment("screened_at", null=False),
    CheckConstraint("outcome IN ('fit', 'deferred')", name="outcome"),
    Index(
        None,
        "screened_at",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": "16", "autosummarize": "on"},
    ),
)

#: A session of a facility on one day, for one dose. ``taken`` counts the places held, booked, attended or missed.
vaccination_session = Table(
    "vaccination_session",
    metadata,
    id_column(),
    Column("facility_id", BigInteger, ForeignKey("facility.id"), nullable=False),
    Column("dose", SmallInteger, nullable=False, server_default="1"),
    Column("local_date", Date, nullable=False),
    Column("start_time", Time, nullable=False),
    Column("end_time", Time, nullable=False),
    moment("starts_at", null=False),
    moment("ends_at", null=False),
    Column("capacity", Integer, nullable=False),
    Column("taken", Integer, nullable=False, server_default="0"),
    Column("open", Boolean, nullable=False, server_default="true"),
    # It will not take place: whoever is booked is moved elsewhere, in the name of who cancelled it.
    moment("cancelled_at"),
    Column("cancelled_by", Text),
    CheckConstraint("NOT open OR cancelled_at IS NULL", name="cancelled_is_closed"),
    CheckConstraint("taken BETWEEN 0 AND capacity", name="taken_within_capacity"),
    CheckConstraint("end_time > start_time", name="ends_after_start"),
    CheckConstraint("dose > 0", name="dose"),
    UniqueConstraint("facility_id", "dose", "local_date", "start_time"),
    Index(None, "facility_id", "dose", "starts_at"),
    Index("ix_vaccination_session_cancelled", "id", postgresql_where=text("cancelled_at IS NOT NULL")),
    # HOT updates of ``taken`` want free room on the page
    postgresql_with={"fillfactor": "70"},
)

#: A place of a worker: held for some minutes, then booked or let go.
booking = Table(
    "booking",
    metadata,
    id_column(),
    Column("worker_id", BigInteger, ForeignKey("worker.id"), nullable=False),
    Column("dose", SmallInteger, nullable=False, server_default="1"),
    Column("session_id", BigInteger, ForeignKey("vaccination_session.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("ticket", Text, unique=True),
    Column("phone", Text),
    moment("held_until"),
    moment("created_at", null=False),
    moment("booked_at"),
    moment("ended_at"),
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
    Index(None, "booked_at", postgresql_where=text("booked_at IS NOT NULL")),
    Index(None, "ended_at", postgresql_where=text("ended_at IS NOT NULL AND booked_at IS NOT NULL")),
    Index("ix_booking_held", "session_id", "held_until", postgresql_where=text("state = 'held'")),
)

#: Wrong answers, counted by number ("phone") and, for strange numbers, by hashed NIK whether it is listed or not ("nik")
#: and by block of numbers ("block"). ``locks``: how often it was locked of late.
identity_guard = Table(
    "identity_guard",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    moment("last_failure_at", null=False),
    moment("locked_until"),
    Column("last_hop", Text, nullable=False, server_default=""),
    moment("counted_since"),
    Column("locks", Integer, nullable=False, server_default="0"),
    moment("last_locked_at"),
    CheckConstraint("kind IN ('phone', 'nik', 'block')", name="kind"),
    Index("ix_identity_guard_locked", "locked_until", postgresql_where=text("locked_until IS NOT NULL")),
    Index("ix_identity_guard_niks_lately", "last_failure_at", postgresql_where=text("kind = 'nik'")),
)

#: A strange number that proved NIK and birth date of a worker: it waits for the silence of the roster's number.
phone_claim = Table(
    "phone_claim",
    metadata,
    id_column(),
    Column("worker_id", BigInteger, ForeignKey("worker.id", ondelete="CASCADE"), nullable=False),
    Column("phone", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("roster_phone", Text),
    moment("opened_at", null=False),
    moment("settled_at"),
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
    moment("reported_at", null=False),
)

#: Somebody who is not on the list and left their data for the district office.
enquiry = Table(
    "enquiry",
    metadata,
    id_column(),
    Column("phone", Text, nullable=False),
    Column("nik_hash", LargeBinary, nullable=False),
    Column("nik_sealed", LargeBinary, nullable=False),
    Column("birth_date_sealed", LargeBinary),
    Column("district_code", Text, ForeignKey("district.code")),
    moment("created_at", null=False),
    Column("outcome", Text),
    moment("settled_at"),
    Column("settled_by", Text),
    Column("decline_reason", Text),
    CheckConstraint("outcome IN ('approved', 'declined')", name="outcome"),
    UniqueConstraint("phone", "nik_hash"),
    Index(None, "district_code", "id"),
)

#: What an officer may change while the service runs, e.g. the end of registration.
setting = Table(
    "setting",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
    moment("changed_at", null=False),
)

audit = Table(
    "audit",
    metadata,
    id_column(),
    moment("at", null=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    Index(None, "subject"),
    Index(None, "at", "id"),
    Index(None, "actor", "at", "id"),
    Index(None, "action", "at", "id"),
)
