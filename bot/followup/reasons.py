"""Why somebody is followed up: one reason each, the first that applies of those below."""

from __future__ import annotations

import enum
from typing import Final

from bot.registration.hops import STOPS


class Reason(enum.StrEnum):
    """In their order: how somebody can be reached at all, then how far they came, then what became of their messages."""

    NO_PHONE = "no_phone"
    WRONG_NUMBER = "wrong_number"
    OPTED_OUT = "opted_out"
    DEFERRED = "deferred"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    STOPPED_OFFER = "stopped_offer"
    STOPPED_SCREENING = "stopped_screening"
    STOPPED_CONFIRM = "stopped_confirm"
    LOCKED = "locked"
    STOPPED_IDENTIFY = "stopped_identify"
    SILENT = "silent"
    NOT_DELIVERED = "not_delivered"
    NEVER_INVITED = "never_invited"


#: When each reason applies, and since when it does; of the rows joined in ``CASES``.
_APPLIES: Final = {
    Reason.NO_PHONE: ("w.phone IS NULL", "w.created_at"),
    Reason.WRONG_NUMBER: ("wn.phone IS NOT NULL", "wn.since"),
    Reason.OPTED_OUT: ("oo.phone IS NOT NULL", "oo.since"),
    Reason.DEFERRED: ("sc.outcome = 'deferred'", "sc.screened_at"),
    Reason.NO_SHOW: ("lb.state = 'no_show'", "lb.at"),
    Reason.CANCELLED: ("lb.state = 'cancelled'", "lb.at"),
    Reason.STOPPED_OFFER: ("sc.outcome = 'fit'", "sc.screened_at"),
    # The answer "this is me" leaves no trace but the next screen.
    Reason.STOPPED_SCREENING: (
        "(w.confirmed_at IS NOT NULL OR ls.worker_id IS NOT NULL)",
        "coalesce(w.confirmed_at, ls.at)",
    ),
    Reason.STOPPED_CONFIRM: ("w.verified_at IS NOT NULL", "w.verified_at"),
    Reason.LOCKED: ("ig.locked_until IS NOT NULL", "ig.last_failure_at"),
    Reason.STOPPED_IDENTIFY: ("w.started_at IS NOT NULL", "w.started_at"),
    Reason.SILENT: ("m.delivered_at IS NOT NULL", "m.delivered_at"),
    Reason.NOT_DELIVERED: ("m.sent_at IS NOT NULL", "m.sent_at"),
    Reason.NEVER_INVITED: ("true", "w.created_at"),
}

_REASON: Final = " ".join(f"WHEN {applies} THEN '{reason}'" for reason, (applies, _) in _APPLIES.items())
_SINCE: Final = " ".join(f"WHEN {applies} THEN {since}" for applies, since in _APPLIES.values())

_AT_SCREENING: Final = ", ".join(f"'{state}'" for state in STOPS["screening"])

#: Whether ``worker w`` is registered: then there is nothing to follow up. OFFSET 0: it is asked of each worker by the index. A
#: planner who knows of no bookings yet would otherwise compare each of the workers with each booking that there has come to be.
REGISTERED: Final = (
    "EXISTS (SELECT 1 FROM booking b"
    " WHERE b.worker_id = w.id AND b.dose = 1 AND b.state IN ('booked', 'attended') OFFSET 0)"
)

#: The cases among some workers, {{workers}}, counted where people live. A message that still waits tells nothing. "+ 0" keeps
#: the planner from going through all bookings, latest first, until one of the worker's comes; {{screenings}} and {{stops}}, the
#: same condition on theirs, from going through all of those from the first one, which it would for a range of workers.
CASES: Final = f"""
SELECT w.id AS worker_id, coalesce(w.domicile_code, w.district_code) AS district_code, w.facility_id,
       lower(w.name) AS name, w.profession, CASE {_REASON} END AS reason, coalesce(CASE {_SINCE} END, w.created_at) AS since
FROM worker w
LEFT JOIN wrong_number wn ON wn.phone = w.phone
LEFT JOIN opt_out oo ON oo.phone = w.phone
LEFT JOIN screening sc ON sc.worker_id = w.id AND {{screenings}}
LEFT JOIN last_stop ls ON ls.worker_id = w.id AND {{stops}} AND ls.at >= w.verified_at AND ls.state IN ({_AT_SCREENING})
LEFT JOIN identity_guard ig ON ig.kind = 'phone' AND ig.subject = w.phone
LEFT JOIN LATERAL (
    SELECT b.state, coalesce(b.ended_at, b.booked_at, b.created_at) AS at FROM booking b
    WHERE b.worker_id = w.id AND b.dose = 1 AND b.booked_at IS NOT NULL AND b.state IN ('cancelled', 'no_show')
    ORDER BY b.id + 0 DESC LIMIT 1
) lb ON true
LEFT JOIN LATERAL (
    SELECT max(coalesce(x.settled_at, x.created_at)) FILTER (WHERE x.state = 'delivered') AS delivered_at,
           max(x.created_at) FILTER (WHERE x.state IN ('accepted', 'rejected', 'unknown')) AS sent_at
    FROM message x WHERE x.campaign_id IS NOT NULL AND x.worker_id = w.id AND w.started_at IS NULL
) m ON true
WHERE {{workers}} AND w.erased_at IS NULL AND NOT {REGISTERED}
"""
