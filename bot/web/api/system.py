"""``/system`` and ``/audit``: what waits, the brakes, and who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, StringConstraints

from bot.campaigns.waiting import waiting
from bot.messaging import brakes
from bot.messaging.outbox import Lane
from bot.officers import audit_log
from bot.officers.audit_log import Search
from bot.officers.permissions import May
from bot.web.api.problems import wrong
from bot.web.api.routes import Api, Call
from bot.web.api.values import Asked, Limit, Next, Text, Told


class LaneTold(Told):
    """What is due in a lane. `oldest`: seconds since the first of it was due, 0 for none."""

    lane: str
    attempts: int
    messages: int
    oldest: float


class SystemTold(Told):
    """What waits. `stopped`: the brakes are on; `unknown`: messages of unknown fate about which nobody has decided."""

    stopped: bool
    lanes: list[LaneTold]
    unknown: int


class SendingAsked(Asked):
    """What is wanted of reminders and blasts."""

    sending: Literal["stop", "resume"]


class SendingTold(Told):
    """`stopped`: as it is now; `changed`: it was not so before."""

    stopped: bool
    changed: bool


class AuditAsked(Asked):
    """Which lines, the newest first; everything that is given must hold. `until` is not within any more."""

    actor: Text = ""
    action: Text = ""
    subject: Text = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    cursor: Annotated[str, StringConstraints(pattern=r"^([0-9T:.+-]{1,40}_[0-9]{1,18})?$")] = ""
    limit: Limit = 50


class LineTold(Told):
    """A line of the audit log."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class AuditTold(Told):
    """A page of the audit log."""

    lines: list[LineTold]
    next: Next


def register(api: Api) -> None:
    """The routes."""

    @api.get("/system", needs=May.SEE_SYSTEM, tells=SystemTold)
    def system(call: Call) -> SystemTold:
        """What waits in each lane and for how long, what is unknown, and whether sending is stopped."""
        return SystemTold.model_validate(waiting(call.services.database, call.now))

    @api.post("/system/sending", needs=May.STOP_SENDING, tells=SendingTold, body=SendingAsked)
    def sending(call: Call, body: SendingAsked) -> SendingTold:
        """Stop reminders and blasts, or let them leave again; replies and tickets leave all the same."""
        database = call.services.database
        if body.sending == "stop":
            return SendingTold(stopped=True, changed=brakes.stop(database, call.now, call.actor))
        changed = brakes.go_on(database, call.now, call.actor)
        if changed:
            call.wake(Lane.REMINDER)
            call.wake(Lane.BLAST)
        return SendingTold(stopped=False, changed=changed)

    @api.get("/audit", needs=May.SEE_AUDIT, tells=AuditTold, query=AuditAsked)
    def audit(call: Call, query: AuditAsked) -> AuditTold:
        """Who did what, when."""
        asked = Search(query.actor, query.action, query.subject, query.since, query.until, query.cursor)
        try:
            lines, older = audit_log.page(call.services.database, asked, query.limit)
        except (ValueError, OverflowError):
            raise wrong("query.cursor", "That is no cursor of this list.") from None
        return AuditTold(lines=[LineTold.model_validate(each) for each in lines], next=older or None)
