"""A campaign's text to one phone, to see how it arrives: a message of the reply lane, made up for nobody in particular."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Final

from bot.campaigns.composing import Composer
from bot.campaigns.record import DEFAULT_LANGUAGE, Campaign, CampaignError
from bot.db import audit
from bot.db.database import Database
from bot.messaging import outbox
from bot.messaging.outbox import Draft, Lane
from bot.phone import NotAPhone, parse_phone
from bot.registration.closing import closes_at

#: Test messages that one admin may send in an hour.
MOST_AN_HOUR: Final = 30
_ACTION: Final = "campaign.test"
_KEY: Final = re.compile(r"[0-9a-f]{16,64}")
_LATE: Final = timedelta(minutes=15)


class Refused(CampaignError):
    """A test message is not sent, for a reason that the admin can do something about."""


def sample(composer: Composer, campaign: Campaign, language: str, time_zone: str, end: datetime | None) -> str:
    """A campaign's text for a worker who does not exist."""
    body = campaign.texts.get(language) or campaign.texts[DEFAULT_LANGUAGE]
    day = (campaign.start_at or campaign.created_at).date() + timedelta(days=1)
    about = (
        time_zone,
        "Kota Contoh",
        "Siti Wulandari",
        "ABC234",
        "Puskesmas Contoh",
        day,
        time(8),
        time(10),
        time_zone,
    )
    return composer.said(body, language if language in campaign.texts else DEFAULT_LANGUAGE, end, about)


def send(
    database: Database,
    campaign: Campaign,
    composer: Composer,
    *,
    to: str,
    language: str,
    key: str,
    time_zone: str,
    now: datetime,
    actor: str,
) -> bool:
    """Send a campaign's text to the number ``to``; False if that has been done: ``key`` is of one click. Raises ``Refused``.

    The number stands in the message alone, not in the audit log.
    """
    try:
        phone = parse_phone(to)
    except NotAPhone as error:
        raise Refused("That is no phone number.") from error
    if not _KEY.fullmatch(key):
        raise Refused("This form is too old. Load the page again.")
    body = sample(composer, campaign, language, time_zone, closes_at(database))
    draft = Draft(
        natural_key=f"test:{campaign.id}:{key}",
        kind="test",
        lane=Lane.REPLY,
        gateway=campaign.gateway,
        phone=phone,
        language=language if language in campaign.texts else DEFAULT_LANGUAGE,
        body=body,
        deadline_at=now + _LATE,
    )
    with database.transaction() as connection:
        if connection.execute("SELECT 1 FROM opt_out WHERE phone = %s", (phone,)).fetchone() is not None:
            raise Refused("That number has opted out of messages.")
        sent = connection.execute(
            "SELECT count(*) FROM audit WHERE at > %s AND actor = %s AND action = %s",
            (now - timedelta(hours=1), actor, _ACTION),
        ).fetchone()
        if sent is not None and sent[0] >= MOST_AN_HOUR:
            raise Refused("You have sent many tests within the hour. Wait a while.")
        if outbox.write(connection, draft, now) is None:
            return False
        audit.record(connection, now, actor, _ACTION, f"campaign:{campaign.id}", {"language": draft.language})
    return True
