"""The audit log: searched, paged, and taken home as CSV, which is itself written down."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from textwrap import shorten
from typing import Any

from flask import abort, render_template, request

from bot.db import audit
from bot.officers import audit_log
from bot.officers.audit_log import Line, Search
from bot.officers.permissions import May
from bot.services import Services
from bot.web.admin.access import Room, actor
from bot.web.admin.exports import csv_response
from bot.web.admin.words import mark, say

_ = mark

_LONGEST = 100
#: Characters of a line's details on the page; the download has all of them.
_SHOWN = 200


def register(room: Room) -> None:
    """``/admin/system/audit``."""
    services = room.services
    database = services.database

    @room.get("/system/audit", needs=May.SEE_AUDIT)
    def system_audit() -> str:
        try:
            lines, older = audit_log.page(database, _search(services))
        except ValueError:
            abort(400, _("That search cannot be read."))
        return render_template(
            "admin/system/audit.html",
            lines=lines,
            details={line.id: shorten(detail_text(line.detail), _SHOWN, placeholder=" …") for line in lines},
            asked=_asked(),
            older=older,
            actions=audit_log.actions(database),
            most=audit_log.MOST_EXPORTED,
        )

    @room.get("/system/audit.csv", needs=May.SEE_AUDIT)
    def system_audit_csv() -> Any:
        if not room.may(May.EXPORT):
            abort(403)
        try:
            search = _search(services)
            audit_log.page(database, search, 1)
        except ValueError:
            abort(400, _("That search cannot be read."))
        with database.transaction() as connection:
            audit.record(connection, services.clock.now(), actor(), "audit.export", "audit", _asked())
        headers = [say(each) for each in (_("When (UTC)"), _("Who"), _("What"), _("About"), _("Details"))]
        return csv_response("audit", headers, (_row(line) for line in audit_log.every(database, search)))


def detail_text(detail: Any) -> str:
    """A line's details as one line of text."""
    return ", ".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in detail.items()
        if value is not None
    )


def _row(line: Line) -> list[object]:
    return [line.at, line.actor, line.action, line.subject, detail_text(line.detail)]


def _asked() -> dict[str, str]:
    """What was searched for, as it was typed."""
    names = ("actor", "action", "subject", "since", "until")
    given = {name: request.args.get(name, "").strip()[:_LONGEST] for name in names}
    return {name: text for name, text in given.items() if text}


def _search(services: Services) -> Search:
    """The search of this request; raises ``ValueError``. Days are those of the campaign's zone, both included."""
    asked, zone = _asked(), services.settings.time_zone

    def begins(day: date) -> datetime:
        return datetime.combine(day, time(), zone)

    since, until = asked.get("since"), asked.get("until")
    try:
        return Search(
            asked.get("actor", ""),
            asked.get("action", ""),
            asked.get("subject", ""),
            begins(date.fromisoformat(since)) if since else None,
            begins(date.fromisoformat(until) + timedelta(days=1)) if until else None,
            request.args.get("before", "")[:_LONGEST],
        )
    except OverflowError as error:
        raise ValueError("no such day") from error
