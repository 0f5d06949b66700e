"""What became of every SMS of the bench ``replies``, by records that know nothing of each other: what was sent, PostgreSQL, and
the gateway's log or the HTTP answers."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg

from bench.failure import BenchFailed
from bench.player import play
from bench.posting import PostScript
from bench.sms_stage import SmsStage
from bench.stub_gateway import twilio
from bench.stub_gateway.message_log import Logged, digest_of, read_log, repeated
from bench.texter import signature
from bench.texts import AFRICASTALKING, TEXTS, TextAccount

#: As long as a reply; what the floor's loop sends.
FLOOR_TEXT = (
    "Kemenkes: Anda terdaftar sebagai penerima vaksin COVID-19. Balas 1 bila data ini benar, 2 bila bukan Anda."
)
#: The message within an HTTP answer: its attributes and text; one attribute's name and value.
_MESSAGE, _ATTRIBUTE = re.compile(r"<Message([^>]*)>([^<]*)</Message>"), re.compile(r'([A-Za-z]+)="([^"]*)"')
_POLL, _LIMIT = 0.02, 120.0
_CALLBACK_LINES = 8

_REPLIES = """
SELECT i.gateway_message_id, i.phone, i.state, m.id, m.phone, m.body, m.state, m.provider_id, m.natural_key = 'reply:' || i.id
FROM inbound i LEFT JOIN message m ON m.inbound_id = i.id WHERE i.gateway = %s
"""
_TICKETS = """
SELECT w.phone, b.ticket FROM booking b JOIN worker w ON w.id = b.worker_id
WHERE b.state = 'booked' AND w.phone = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class _Reply:
    """An SMS in the database with one reply to it, if there is one."""

    sms: str
    phone: str
    sms_state: str
    id: int | None
    to: str | None
    body: str | None
    state: str | None
    provider_id: str | None
    is_named_for_it: bool | None


def await_known(database_url: str, gateway: str) -> None:
    """Wait until it is on record what became of every message of a gateway; raises ``BenchFailed``."""
    until = time.monotonic() + _LIMIT
    with psycopg.connect(database_url, autocommit=True) as connection:
        while True:
            row = connection.execute(
                "SELECT count(*) FROM message WHERE gateway = %s AND state = 'queued'", (gateway,)
            ).fetchone()
            if row is not None and row[0] == 0:
                return
            if time.monotonic() > until:
                raise BenchFailed(f"{gateway}: answers without an outcome after {_LIMIT:.0f} s")
            time.sleep(_POLL)


def read_twiml(answer: str) -> tuple[str, str]:
    """The text of an HTTP answer to Twilio, and the address that it names for status callbacks; raises ``ValueError``."""
    found = _MESSAGE.findall(answer)
    if len(found) != 1:
        raise ValueError("an answer without one message in it")
    attributes, text = found[0]
    named = dict(_ATTRIBUTE.findall(attributes))
    return unescape(text), unescape(named.get("statusCallback", ""))


def acknowledge(stage: SmsStage, account: TextAccount) -> None:
    """Report every answer as delivered, as Twilio does once it has passed it on, and wait until that is on record.

    Raises ``BenchFailed``.
    """
    phones = dict(account.sent)
    requests = []
    for sms, answer in account.answers:
        _, callback = read_twiml(answer)
        form = twilio.receipt(phones[sms], f"{sms}r", final=True, delivered=True)
        at = urlsplit(callback)
        signed = f"X-Twilio-Signature: {signature(callback, form, stage.auth_token)}\r\n"
        requests.append((f"{at.path}?{at.query}", signed, urlencode(form)))
    if not requests:
        return
    at = urlsplit(stage.public_url)
    told = play("bench.posting", PostScript(at.hostname or "", at.port or 0, _CALLBACK_LINES, tuple(requests)))
    if told["errors"]:
        raise BenchFailed(f"status callbacks were not taken: {told['errors']}")


def judge(database_url: str, log: Path, gateway: str, accounts: Sequence[TextAccount]) -> Iterator[str]:
    """A line for each thing that is wrong: SMS without exactly one answer, answers twice, unknown or to somebody else."""
    sent = dict(pair for account in accounts for pair in account.sent)
    with psycopg.connect(database_url) as connection:
        found = [_Reply(*row) for row in connection.execute(_REPLIES, (gateway,))]
        tickets: dict[str, str] = dict(connection.execute(_TICKETS, (list(set(sent.values())),)).fetchall())
    replies = {reply.sms: reply for reply in found}
    if len(found) != len(replies):
        yield f"{len(found) - len(replies)} SMS have more than one reply"
    yield from _counted(
        {
            "SMS are not in the database": len(sent.keys() - replies.keys()),
            "SMS in the database were never sent": len(replies.keys() - sent.keys()),
            "SMS have no reply": sum(reply.id is None or not reply.is_named_for_it for reply in found),
            "SMS are not handled": sum(reply.sms_state != "handled" for reply in found),
            "replies go to somebody else": sum(not sent.get(r.sms) == r.phone == r.to for r in found if r.id),
        }
    )
    yield from _at_the_end(replies, accounts, tickets)
    if gateway == AFRICASTALKING:
        yield from _by_the_log(found, list(read_log(log)) if log.exists() else [], gateway)
    else:
        yield from _by_the_answers(replies, accounts)


def _at_the_end(
    replies: Mapping[str, _Reply], accounts: Sequence[TextAccount], tickets: Mapping[str, str]
) -> Iterator[str]:
    """Whether every registration's last reply holds the ticket that is in the database."""
    last = {phone: sms for account in accounts for sms, phone in account.sent}
    without = [
        sms
        for phone, sms in last.items()
        if phone not in tickets or tickets[phone] not in (_body(replies.get(sms)) or "")
    ]
    texts = Counter(phone for account in accounts for _, phone in account.sent)
    yield from _counted(
        {
            "registrations did not end with a ticket of their own": len(without),
            f"registrations took not {TEXTS} SMS": sum(count != TEXTS for count in texts.values()),
        }
    )


def _by_the_log(found: Sequence[_Reply], logged: Sequence[Logged], gateway: str) -> Iterator[str]:
    ours = {reply.provider_id: reply for reply in found if reply.provider_id}
    known = [line for line in logged if line.id in ours]
    floor = digest_of(FLOOR_TEXT)
    yield from _counted(
        {
            "replies were not accepted": sum(reply.state != "accepted" for reply in found),
            "replies are not in the gateway's log": len(found) - len({line.id for line in known}),
            "replies were handed over twice": len(known) - len({line.id for line in known}),
            "people got the same text twice": len(repeated(known)),
            "messages at the gateway are nobody's": sum(
                line.id not in ours and line.digest != floor for line in logged if line.gateway == gateway
            ),
            "messages at the gateway have another number or text than ours": sum(
                line.number != ours[line.id].to or line.digest != digest_of(_body(ours[line.id]) or "")
                for line in known
            ),
        }
    )


def _by_the_answers(replies: Mapping[str, _Reply], accounts: Sequence[TextAccount]) -> Iterator[str]:
    answers = [pair for account in accounts for pair in account.answers]
    differing = 0
    for sms, answer in answers:
        text, callback = read_twiml(answer)
        told, reply = parse_qs(urlsplit(callback).query).get("message"), replies.get(sms)
        differing += reply is None or text != reply.body or told != [str(reply.id)]
    yield from _counted(
        {
            "replies are not in the HTTP answer": len(replies.keys() - {sms for sms, _ in answers}),
            "SMS were answered twice": len(answers) - len({sms for sms, _ in answers}),
            "HTTP answers hold another text than ours": differing,
            "replies are not on record as delivered": sum(reply.state != "delivered" for reply in replies.values()),
        }
    )


def _body(reply: _Reply | None) -> str | None:
    return reply.body if reply is not None else None


def _counted(found: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{count} {what}" for what, count in found.items() if count)
