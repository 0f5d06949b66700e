"""Second notices: what a blast could not deliver, once more to the number that the roster has been corrected to."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.campaigns.audience import MAY_BE_SENT_TO
from bot.campaigns.record import DEFAULT_LANGUAGE
from bot.campaigns.reminder_record import Recipients, Reminder, remind
from bot.campaigns.reminders import Post
from bot.db.database import Database
from bot.registration.closing import closes_at

#: Who is asked to register once more: not the registered, and not those who have been told to wait.
AUDIENCE = {"states": ["not_invited", "invited", "started", "verified", "cancelled"]}

_BLASTS = """
SELECT c.id, c.gateway, c.deadline_at, (SELECT jsonb_object_agg(t.language, t.body) FROM campaign_text t
                                        WHERE t.campaign_id = c.id)
FROM campaign c
WHERE c.kind = 'blast' AND c.state IN ('running', 'paused', 'finished') AND c.deadline_at > %(now)s ORDER BY c.id
"""

# The last blast that they were in counts alone, and whoever has been written to at the new number since needs nothing.
_UNDELIVERED = f"""
SELECT w.id AS worker_id, NULL::bigint AS booking_id, w.phone, d.time_zone, %(deadline)s::timestamptz AS deadline_at,
       CASE WHEN w.language = ANY(%(languages)s) THEN w.language ELSE '{DEFAULT_LANGUAGE}' END AS language
FROM attempt a
JOIN message m ON m.attempt_id = a.id
JOIN worker w ON w.id = m.worker_id
JOIN district d ON d.code = coalesce(w.domicile_code, w.district_code)
WHERE a.campaign_id = %(blast)s AND w.phone <> m.phone
  AND (m.state = 'rejected' OR (m.state = 'suppressed' AND m.reason IN ('wrong number', 'the number has changed')))
  AND {MAY_BE_SENT_TO}
  AND NOT EXISTS (SELECT 1 FROM booking b WHERE b.worker_id = w.id AND b.state IN ('booked', 'attended', 'no_show'))
  AND NOT EXISTS (SELECT 1 FROM screening c WHERE c.worker_id = w.id AND c.outcome = 'deferred')
  AND NOT EXISTS (SELECT 1 FROM message l WHERE l.worker_id = w.id AND l.campaign_id IS NOT NULL AND l.id > m.id
                  AND (l.phone = w.phone OR l.kind = 'blast'))
"""


def send_second_notices(database: Database, post: Post, time_zone: ZoneInfo, now: datetime) -> int:
    """Write the second notices that are due, with the blast's own texts, until its deadline; returns how many.

    One campaign for each blast and day of ``time_zone``; the blast's row is locked, so that two clocks of which one still
    has yesterday write nobody twice. Raises ``DatabaseAway``.
    """
    end = closes_at(database)
    if end is not None and end <= now:
        return 0
    written = 0
    for blast, gateway, deadline, texts in database.rows(_BLASTS, {"now": now}):
        until = deadline if end is None else min(deadline, end)
        name = f"second notice {now.astimezone(time_zone).date()} of {blast}"
        who = Recipients(_UNDELIVERED, {"blast": blast, "deadline": until, "languages": sorted(texts)})
        reminder = Reminder(name, texts, gateway, until, AUDIENCE)
        written += remind(database, reminder, who, now, batch_size=post.batch_size, about=blast)
    return written
