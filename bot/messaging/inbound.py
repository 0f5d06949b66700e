"""Inbound SMS: stored before anything else, handled once, answered once.

Each ends as handled, ignored (with the reason) or dead. What could not be handled at once (Redis was away, the process
died) is found by the sweep and handled in the order of arrival.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.conversation.driver import Heard
from bot.crypto import Undecipherable, Vault
from bot.db import audit
from bot.db.database import Database
from bot.db.prepared import Prepared
from gateway_adapters.base import InboundSms

_PURPOSE = "inbound"
#: How long whoever took an inbound message in hand has it to themselves.
LEASE = timedelta(seconds=20)
#: After so many failures an inbound message is dead-lettered.
MOST_TRIES = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """An inbound message that is to be handled."""

    id: int
    gateway: str
    phone: str
    link_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An inbound message in store. ``fresh``: it is the caller's to handle now.

    ``reply`` and ``reply_id`` are what an earlier delivery of the same message was answered in its HTTP answer, if it was.
    """

    waiting: Waiting
    fresh: bool
    reply: str | None = None
    reply_id: int | None = None


#: Takes an inbound message's phone, text and id to what is to be said.
Hear = Callable[[str, str, str], Heard]

# ``claimed_until`` keeps the sweep away while the webhook itself handles the message. If an older one of the same phone
# still waits, this one waits too, unclaimed: a person's messages are handled in order.
_KEEP = Prepared("""
WITH older AS (SELECT EXISTS (SELECT 1 FROM inbound WHERE phone = %(phone)s AND state = 'received') AS there)
INSERT INTO inbound (gateway, gateway_message_id, phone, recipient, link_id, text_sealed, state, received_at, claimed_until)
SELECT %(gateway)s, %(message)s, %(phone)s, %(recipient)s, %(link)s, %(text)s, 'received', %(now)s,
       CASE WHEN there THEN NULL ELSE %(until)s::timestamptz END FROM older
ON CONFLICT (gateway, gateway_message_id) DO NOTHING
RETURNING id, claimed_until IS NOT NULL
""")

_KEPT_BEFORE = """
SELECT i.id, m.body, m.id, i.phone, i.text_sealed
FROM inbound i LEFT JOIN message m ON m.natural_key = 'reply:' || i.id AND m.inline
WHERE i.gateway = %s AND i.gateway_message_id = %s
"""


def keep(
    database: Database, vault: Vault, gateway: str, sms: InboundSms, now: datetime, *, at_once: bool = True
) -> Kept:
    """Store an inbound message, once per gateway message id; raises ``DatabaseAway``. Not ``at_once``: for the sweep.

    An id that was another phone's, or came with another text, is a mistake of the gateway's: the message is a new one, kept
    under an id of its own, so that nobody's words are lost and nobody gets the reply to somebody else.
    """
    kept = _keep(database, vault, gateway, sms, now, at_once=at_once)
    if kept is None:
        own = vault.hash(f"{sms.message_id} {sms.phone} {sms.text}").hex()
        kept = _keep(database, vault, gateway, replace(sms, message_id=own), now, at_once=at_once)
    if kept is None:
        raise LookupError("two different messages have one keyed hash")
    return kept


def _keep(
    database: Database, vault: Vault, gateway: str, sms: InboundSms, now: datetime, *, at_once: bool
) -> Kept | None:
    """None where the id is taken by another message."""
    rows = database.said(
        _KEEP,
        {
            "gateway": gateway,
            "message": sms.message_id,
            "phone": sms.phone,
            "recipient": sms.recipient,
            "link": sms.link_id,
            "text": vault.seal(sms.text, _PURPOSE),
            "now": now,
            "until": now + LEASE if at_once else None,
        },
    )
    if rows:
        [(number, fresh)] = rows
        return Kept(Waiting(number, gateway, sms.phone, sms.link_id, sms.text), fresh=fresh)
    before = database.row(_KEPT_BEFORE, (gateway, sms.message_id))
    if before is None:
        raise LookupError("what conflicts is there")
    number, reply, reply_id, phone, sealed = before
    if phone != sms.phone or not _may_be(vault, bytes(sealed), sms.text):
        return None
    return Kept(Waiting(number, gateway, sms.phone, sms.link_id, sms.text), False, reply, reply_id)


def _may_be(vault: Vault, sealed: bytes, text: str) -> bool:
    """Whether a text may be the sealed one; the text of an old message is deleted in time, and fits any."""
    try:
        return not sealed or open_text(vault, sealed) == text
    except Undecipherable:
        return True


def open_text(vault: Vault, sealed: bytes) -> str:
    """What somebody wrote; raises ``bot.crypto.Undecipherable``."""
    return vault.open(sealed, _PURPOSE)


_SETTLE = """
UPDATE inbound SET state = %(state)s, reason = %(reason)s, settled_at = %(now)s, claimed_until = NULL
WHERE id = %(inbound)s AND state = 'received'
"""
_SETTLE_ALONE = Prepared(_SETTLE)

# The reply, and its first attempt as ``outbox`` has them: one that leaves in the HTTP answer is under way at once, and nothing
# waits for it. Where it is there already nothing is written.
_ANSWER = Prepared(f"""
WITH settled AS ({_SETTLE}), tried AS (
    INSERT INTO attempt (lane, gateway, language, size, phone, state, created_at, due_at, claimed_at, submitted_at)
    SELECT 'reply', %(gateway)s, %(language)s, 1, CASE WHEN NOT %(inline)s::boolean THEN %(phone)s::text END,
           CASE WHEN %(inline)s THEN 'submitted' ELSE 'queued' END, %(now)s, %(now)s,
           CASE WHEN %(inline)s THEN %(now)s END, CASE WHEN %(inline)s THEN %(now)s END
    WHERE NOT EXISTS (SELECT 1 FROM message WHERE natural_key = 'reply:' || %(inbound)s)
    RETURNING id
)
INSERT INTO message (natural_key, kind, lane, gateway, phone, link_id, language, body, inbound_id, attempt_id, inline, state,
                     created_at)
SELECT 'reply:' || %(inbound)s, 'reply', 'reply', %(gateway)s, %(phone)s, %(link)s, %(language)s, %(body)s, %(inbound)s,
       tried.id, %(inline)s, 'queued', %(now)s
FROM tried
ON CONFLICT (natural_key) WHERE natural_key IS NOT NULL DO NOTHING RETURNING id
""")


def handle(
    database: Database, waiting: Waiting, hear: Hear, now: datetime, *, inline: bool
) -> tuple[str | None, int | None]:
    """Hear a message and write the reply: (text, id of the reply in the outbox), or (None, None) where none is due.

    ``inline``: the reply leaves in the HTTP answer, so it is written as submitted. Raises ``Away``.
    """
    heard = hear(waiting.phone, waiting.text, str(waiting.id))
    parameters = {
        "inbound": waiting.id,
        "state": "handled" if heard.ignored is None else "ignored",
        "reason": heard.ignored,
        "gateway": waiting.gateway,
        "phone": waiting.phone,
        "link": waiting.link_id,
        "language": heard.language,
        "body": heard.reply,
        "inline": inline,
        "now": now,
    }
    # One statement for both: a reply without its message handled would be written again by whoever handles that.
    rows = database.said(_SETTLE_ALONE if heard.reply is None else _ANSWER, parameters)
    return (heard.reply, int(rows[0][0])) if rows else (None, None)


def let_go(database: Database, inbound_id: int) -> None:
    """Give a message that could not be handled now to the sweep."""
    database.rows("UPDATE inbound SET claimed_until = NULL WHERE id = %s AND state = 'received'", (inbound_id,))


# The oldest waiting message of each phone, so that nobody's messages overtake each other.
_CLAIM = """
WITH next AS (
    SELECT i.id FROM inbound i
    WHERE i.state = 'received' AND (i.claimed_until IS NULL OR i.claimed_until < %(now)s)
      AND NOT EXISTS (SELECT 1 FROM inbound e WHERE e.phone = i.phone AND e.id < i.id AND e.state = 'received')
    ORDER BY i.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE inbound i SET claimed_until = %(until)s, tries = i.tries + 1 FROM next WHERE i.id = next.id
RETURNING i.id, i.gateway, i.phone, i.link_id, i.text_sealed, i.tries
"""


def claim_waiting(database: Database, vault: Vault, now: datetime, limit: int = 50) -> list[Waiting]:
    """Take in hand what waits, oldest first; what failed too often is dead-lettered."""
    rows = database.rows(_CLAIM, {"now": now, "until": now + LEASE, "limit": limit})
    found: list[Waiting] = []
    for number, gateway, phone, link_id, sealed, tries in sorted(rows):
        if tries > MOST_TRIES:
            database.rows(
                "UPDATE inbound SET state = 'dead', reason = 'failed too often', settled_at = %s WHERE id = %s",
                (now, number),
            )
            continue
        found.append(Waiting(number, gateway, phone, link_id, open_text(vault, bytes(sealed))))
    return found


@dataclass(frozen=True, slots=True)
class Dead:
    """An inbound message that was given up."""

    id: int
    gateway: str
    phone: str
    received_at: datetime
    reason: str


def dead(database: Database, most: int | None = None) -> list[Dead]:
    """What was given up, oldest first; the first ``most``."""
    rows = database.rows(
        "SELECT id, gateway, phone, received_at, reason FROM inbound WHERE state = 'dead' ORDER BY id LIMIT %s", (most,)
    )
    return [Dead(*row) for row in rows]


def count_dead(database: Database) -> int:
    """How many were given up."""
    found: int = database.value("SELECT count(*) FROM inbound WHERE state = 'dead'")
    return found


def replay(database: Database, inbound_id: int | None, now: datetime, *, actor: str) -> int:
    """Let the sweep try a message that was given up again (None: all of them); returns how many."""
    with database.transaction() as connection:
        rows = connection.execute(
            "UPDATE inbound SET state = 'received', reason = NULL, settled_at = NULL, tries = 0, "
            "claimed_until = NULL, received_at = %(now)s "
            "WHERE state = 'dead' AND (%(id)s::bigint IS NULL OR id = %(id)s) RETURNING id",
            {"id": inbound_id, "now": now},
        ).fetchall()
        for (number,) in rows:
            audit.record(connection, now, actor, "inbound.replay", f"inbound:{number}")
        return len(rows)
