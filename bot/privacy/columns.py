"""The register of personal data: of every column of every table, whether it is about a person, and of which.

Export, erasure and docs/privacy.md follow from it; a test holds it against the schema, so that a new column has its place
here before it can hold anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

_NONE: Final[Mapping[str, str]] = MappingProxyType({})

#: Messages of the person: their own, and answers to their number.
MESSAGES_OF: Final = "(m.worker_id = %(worker)s OR (m.worker_id IS NULL AND m.phone = ANY(%(phones)s)))"
#: Receipts about those, of which the ones kept before receipts named their messages are found by the provider's id; and about
#: none that we know.
_RECEIPTS_OF: Final = (
    f"SELECT r.id FROM message m JOIN receipt r ON r.message_id = m.id WHERE {MESSAGES_OF} "
    "UNION ALL SELECT r.id FROM message m JOIN receipt r ON r.gateway = m.gateway AND r.provider_id = m.provider_id "
    f"WHERE r.message_id IS NULL AND {MESSAGES_OF} "
    "UNION ALL SELECT r.id FROM receipt r WHERE NOT r.matched AND r.phone = ANY(%(phones)s)"
)


@dataclass(frozen=True, slots=True)
class About:
    """What a table has about a person whose rows ``t`` the condition ``whose`` selects (parameters: ``worker``, ``phones``,
    ``hashes``, ``hexes``, ``locks``, ``subject``, ``tickets``).

    ``personal``: gone once somebody is erased. ``stays``: handed out, and kept without saying whose it is. ``withheld``: it
    holds others' data beside theirs, so it is not handed out; erasing takes theirs out of it. ``sealed``: the purpose by
    which a column is opened.
    """

    whose: str
    personal: tuple[str, ...]
    stays: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    sealed: Mapping[str, str] = field(default_factory=lambda: _NONE)

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.personal, *self.stays, *self.withheld, *self.ours)

    @property
    def handed_out(self) -> tuple[str, ...]:
        """What the person gets to see."""
        return (*self.personal, *self.stays)


_BY_WORKER: Final = "t.worker_id = %(worker)s"
_BY_PHONE: Final = "t.phone = ANY(%(phones)s)"

#: Tables with rows about people on the list, or who asked to be.
ABOUT: Final[Mapping[str, About]] = {
    "worker": About(
        "t.id = %(worker)s",
        personal=("nik_hash", "nik_sealed", "nik_tail", "name", "birth_date", "phone", "profession"),
        stays=(
            *("id", "sex", "district_code", "domicile_code", "facility_id", "language"),
            *("started_at", "verified_at", "confirmed_at", "created_at"),
        ),
        ours=("updated_at", "erased_at"),
        sealed={"nik_sealed": "nik"},
    ),
    "screening": About(
        _BY_WORKER,
        personal=("answer_sealed",),
        stays=("worker_id", "outcome", "screened_at"),
        sealed={"answer_sealed": "screening"},
    ),
    "booking": About(
        _BY_WORKER,
        personal=("ticket", "phone"),
        stays=("id", "worker_id", "dose", "session_id", "state", "held_until", "created_at", "booked_at", "ended_at"),
    ),
    "identity_guard": About(
        "(t.kind = 'phone' AND t.subject = ANY(%(phones)s)) OR (t.kind = 'nik' AND t.subject = ANY(%(hexes)s))",
        personal=(
            *("kind", "subject", "failures", "last_failure_at", "locked_until", "last_hop"),
            *("counted_since", "locks", "last_locked_at"),
        ),
    ),
    "phone_claim": About(
        _BY_WORKER,
        personal=("id", "worker_id", "phone", "state", "roster_phone", "opened_at", "settled_at", "settled_by"),
    ),
    "not_me_report": About(_BY_WORKER, personal=("worker_id", "phone", "reported_at")),
    "enquiry": About(
        "t.nik_hash = ANY(%(hashes)s)",
        personal=(
            *("id", "phone", "nik_hash", "nik_sealed", "birth_date_sealed", "district_code", "created_at"),
            *("outcome", "settled_at", "settled_by", "decline_reason"),
        ),
        sealed={"nik_sealed": "nik", "birth_date_sealed": "nik"},
    ),
    # That somebody wants no invitations is kept, or they would be invited again.
    "opt_out": About(_BY_PHONE, personal=(), stays=("phone", "source", "since")),
    "wrong_number": About(_BY_PHONE, personal=("phone", "gateway", "reason", "since")),
    "inbound": About(
        f"({_BY_PHONE})",
        personal=("gateway_message_id", "phone", "link_id", "text_sealed"),
        stays=("id", "gateway", "recipient", "state", "reason", "received_at", "settled_at"),
        ours=("tries", "claimed_until"),
        sealed={"text_sealed": "inbound"},
    ),
    "message": About(
        MESSAGES_OF.replace("m.", "t."),
        personal=("phone", "provider_id", "body", "link_id"),
        stays=(
            *("id", "campaign_id", "worker_id", "booking_id", "state", "reason", "settled_at", "created_at"),
            *("lane", "kind", "gateway", "language"),
        ),
        ours=("inbound_id", "attempt_id", "natural_key", "inline"),
    ),
    "attempt": About(
        f"t.campaign_id IS NULL AND t.id IN (SELECT m.attempt_id FROM message m WHERE {MESSAGES_OF})",
        personal=("phone",),
        stays=("id", "lane", "gateway", "state", "reason", "created_at", "submitted_at", "settled_at", "number"),
        ours=(
            *("campaign_id", "language", "time_zone", "part", "size", "due_at", "deadline_at", "claimed_at"),
            *("has_unknown", "asked_at"),
        ),
    ),
    "receipt": About(
        f"t.id IN ({_RECEIPTS_OF})",
        personal=(
            *("id", "gateway", "provider_id", "our_id", "phone", "status", "reason", "matched", "received_at"),
            "message_id",
        ),
    ),
    "further_acceptance": About(
        f"t.message_id IN (SELECT m.id FROM message m WHERE {MESSAGES_OF})",
        personal=("gateway", "provider_id", "message_id", "at"),
    ),
    "hop": About(_BY_WORKER, personal=("at", "worker_id", "visit", "channel", "flow", "state")),
    "last_stop": About(_BY_WORKER, personal=("worker_id", "at", "channel", "flow", "state")),
    "follow_up": About(
        _BY_WORKER,
        personal=("worker_id", "taken_by", "taken_at", "outcome", "note_sealed", "noted_by", "noted_at"),
        sealed={"note_sealed": "follow-up.note"},
    ),
    "follow_up_case": About(
        _BY_WORKER,
        personal=("worker_id", "district_code", "facility_id", "name", "profession", "reason", "since"),
    ),
    "worker_standing": About(_BY_WORKER, personal=(), stays=("worker_id", "home", "facility_id", "steps")),
    "campaign": About(
        "t.audience -> 'phones' ?| %(phones)s::text[] OR t.audience -> 'nik_hashes' ?| %(hexes)s::text[]",
        personal=(),
        stays=("id", "name"),
        withheld=("audience",),
        ours=(
            *("kind", "state", "gateway", "rate", "ignore_quiet_hours", "start_at", "deadline_at", "most_cost"),
            *("recipients", "segments", "created_by", "created_at", "approved_by", "approved_at", "materialised_at"),
            *("paused_because", "ended_at"),
        ),
    ),
    "idempotent_request": About(
        "t.body::text LIKE ANY(SELECT '%%' || ticket || '%%' FROM unnest(%(tickets)s::text[]) AS ticket)",
        personal=("body",),
        stays=("at",),
        ours=("token_id", "key", "request_hash", "status"),
    ),
    # Who did what stays; what names the person in it goes.
    "audit": About(
        "t.subject = %(subject)s OR t.subject = ANY(%(locks)s)",
        personal=(),
        stays=("id", "at", "actor", "action"),
        withheld=("subject", "detail"),
    ),
}

#: Lists with many people's data, sealed, for some days only: nobody's is looked for in them.
WHOLE_LISTS: Final = frozenset({"upload"})

#: Those who work in the command room, and their programs.
OF_OFFICERS: Final = frozenset({"admin", "api_token", "ended_session"})

#: Tables with nothing about a person.
OF_NOBODY: Final = frozenset(
    {
        *("district", "facility", "vaccination_session", "setting", "spending", "campaign_text"),
        *("figure_snapshot", "place_count", "registration_count", "hop_batch", "data_walk"),
    }
)
