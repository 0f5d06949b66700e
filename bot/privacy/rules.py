"""How long personal data is kept: a table of rules, each with what is due and how it goes.

Figures are no part of it: bookings, states of messages and outcomes of screenings stay, without what they were about.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.kept_for import KeptFor

#: A hash by which nobody is found any more, different for each row.
NOBODYS_HASH: Final = "sha256(uuid_send(gen_random_uuid()))"


class What(enum.StrEnum):
    """What is deleted when its time has come."""

    MESSAGE_BODIES = "message bodies"
    RECEIPT_NUMBERS = "numbers on receipts"
    INBOUND_TEXTS = "inbound texts"
    TRANSCRIPTS = "transcripts"
    WRONG_ANSWERS = "wrong answers"
    NIKS = "NIKs"
    SCREENING_ANSWERS = "screening answers"
    NOTES = "notes of follow-up"
    ENQUIRIES = "enquiries"
    UPLOADS = "uploaded lists"
    ANSWERS = "answers to programs"
    SIGN_INS = "sign-ins"


@dataclass(frozen=True, slots=True)
class Walk:
    """Rows of a large table, gone through by their ids. Conditions and ``change`` know ``%(before)s`` and ``%(now)s``.

    ``old``: a row's time has come. ``has``: there is something to delete in it. ``waits``: it must not be touched yet.
    ``change``: statements that see to the rows ``%(ids)s``, which are locked.
    """

    table: str
    old: str
    has: str
    change: tuple[str, ...]
    waits: str = "false"


@dataclass(frozen=True, slots=True)
class Drop:
    """Rows of a table that an index finds, or that is small. ``change``: what is done with those whose ``ctid`` is found.

    ``at_once``: rows in one transaction, where there are so many that more are wanted than usually.
    """

    table: str
    due: str
    change: str
    at_once: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """``since_end``: nothing is due before the end of registration lies as far back, either."""

    what: What
    days: Callable[[KeptFor], int]
    how: Walk | Drop
    since_end: bool = False


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        What.MESSAGE_BODIES,
        lambda kept: kept.message_bodies,
        Walk(
            "message",
            old="created_at < %(before)s",
            has="body <> ''",
            waits="state = 'queued'",
            change=("UPDATE message SET body = '' WHERE id = ANY(%(ids)s)",),
        ),
    ),
    Rule(
        What.RECEIPT_NUMBERS,
        lambda kept: kept.message_bodies,
        Walk(
            "receipt",
            old="received_at < %(before)s",
            has="phone IS NOT NULL",
            change=("UPDATE receipt SET phone = NULL WHERE id = ANY(%(ids)s)",),
        ),
    ),
    Rule(
        What.INBOUND_TEXTS,
        lambda kept: kept.inbound_texts,
        Walk(
            "inbound",
            old="received_at < %(before)s",
            has="text_sealed <> ''",
            waits="state = 'received'",
            # One that was given up could be tried again until now.
            change=(
                "UPDATE inbound SET text_sealed = '', reason = CASE WHEN state = 'dead' THEN 'given up, and too old' "
                "ELSE reason END, state = CASE WHEN state = 'dead' THEN 'ignored' ELSE state END WHERE id = ANY(%(ids)s)",
            ),
        ),
    ),
    Rule(
        What.TRANSCRIPTS,
        lambda kept: kept.transcripts,
        # Nobody waits for these; each look begins at the beginning, so there had better be few.
        Drop("hop", "at < %(before)s", "DELETE FROM hop", at_once=10_000),
    ),
    Rule(
        What.WRONG_ANSWERS,
        lambda kept: kept.transcripts,
        Drop(
            "identity_guard",
            "last_failure_at < %(before)s AND (locked_until < %(now)s) IS NOT FALSE",
            "DELETE FROM identity_guard",
        ),
    ),
    Rule(
        What.NIKS,
        lambda kept: kept.identity,
        Walk(
            "worker",
            # Whoever comes onto the list of a next campaign has their own time, even if its end has not been set yet.
            old="greatest(created_at, updated_at) < %(before)s",
            has="nik_sealed <> ''",
            change=(
                # Where the log names the lock of a NIK, it does so by the beginning of its hash.
                "UPDATE audit a SET subject = 'nik:gone' FROM worker w WHERE w.id = ANY(%(ids)s) "
                "AND a.subject = 'nik:' || left(encode(w.nik_hash, 'hex'), 12)",
                "DELETE FROM identity_guard g USING worker w WHERE w.id = ANY(%(ids)s) AND g.kind = 'nik' "
                "AND g.subject = encode(w.nik_hash, 'hex')",
                "DELETE FROM last_stop WHERE worker_id = ANY(%(ids)s)",
                f"UPDATE worker SET nik_hash = {NOBODYS_HASH}, nik_sealed = '', nik_tail = '' WHERE id = ANY(%(ids)s)",
            ),
        ),
        since_end=True,
    ),
    Rule(
        What.SCREENING_ANSWERS,
        lambda kept: kept.screening,
        Drop(
            "screening",
            "answer_sealed IS NOT NULL AND screened_at < %(before)s",
            "UPDATE screening SET answer_sealed = NULL",
        ),
        since_end=True,
    ),
    Rule(
        What.NOTES,
        lambda kept: kept.screening,
        Drop(
            "follow_up",
            "note_sealed IS NOT NULL AND noted_at < %(before)s",
            "UPDATE follow_up SET note_sealed = NULL",
        ),
        since_end=True,
    ),
    Rule(
        What.ENQUIRIES,
        lambda kept: kept.enquiries,
        Drop(
            "enquiry",
            # Nobody will settle one that has waited since long before the end.
            "(settled_at < %(before)s OR (settled_at IS NULL AND created_at < %(before)s AND %(end)s <= %(before)s))",
            "DELETE FROM enquiry",
        ),
    ),
    Rule(
        What.UPLOADS,
        lambda kept: kept.uploads,
        Drop(
            "upload",
            "uploaded_at < %(before)s AND state IN ('finished', 'failed') "
            "AND (content_sealed IS NOT NULL OR rejected_sealed IS NOT NULL)",
            "UPDATE upload SET content_sealed = NULL, rejected_sealed = NULL",
        ),
    ),
    Rule(
        What.ANSWERS,
        lambda kept: kept.answers,
        Drop("idempotent_request", "at <= %(before)s", "DELETE FROM idempotent_request"),
    ),
    Rule(
        What.SIGN_INS,
        lambda kept: kept.sign_ins,
        Drop(
            "audit",
            "action IN ('user.sign-in', 'user.sign-out', 'user.refused') AND at < %(before)s",
            "DELETE FROM audit",
        ),
    ),
)
