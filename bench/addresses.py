"""The addresses of all pages of the command room, filled in with somebody and something that exists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg

from bench.failure import BenchFailed
from bot.web.app import create_app

#: Parts of an address, where they mean something else in a section behind its name, or a whole address: how one that
#: exists is found.
_EXAMPLES: Mapping[str, str] = {
    "worker": "SELECT max(worker_id) FROM booking",
    "number": "SELECT id FROM campaign ORDER BY state = 'draft', id DESC LIMIT 1",
    "users/number": "SELECT max(id) FROM admin",
    "lists/number": "SELECT max(id) FROM upload",
    "campaign": "SELECT max(id) FROM campaign",
    "name": "SELECT name FROM campaign ORDER BY id DESC LIMIT 1",
    "facility": "SELECT code FROM facility ORDER BY id DESC LIMIT 1",
    "facility_id": "SELECT max(facility_id) FROM vaccination_session",
    "booking_id": "SELECT max(id) FROM booking WHERE state = 'booked'",
    "code": "SELECT code FROM district ORDER BY code LIMIT 1",
    "district": "SELECT code FROM district ORDER BY code LIMIT 1",
    "session": "SELECT max(id) FROM vaccination_session",
    "session_id": "SELECT max(id) FROM vaccination_session",
    "upload_id": "SELECT max(id) FROM upload",
    "follow-up/number": "SELECT max(id) FROM enquiry",
    "/admin/campaigns/<int:number>/edit": "SELECT max(id) FROM campaign WHERE state = 'draft'",
    "evaluation/number": "SELECT max(id) FROM campaign WHERE state NOT IN ('draft', 'approved')",
    "enquiry_id": "SELECT max(id) FROM enquiry",
    "progress/what": "SELECT 'parts'",
    "kind": "SELECT 'csv'",
}
#: What some addresses want behind a question mark.
_PAIR = "SELECT '?first=' || min(id) || '&second=' || max(id) FROM campaign WHERE state NOT IN ('draft', 'approved')"
_QUERIES: Mapping[str, str] = {
    "/admin/evaluation/compare": _PAIR,
    "/admin/evaluation/compare.<kind>": _PAIR,
}
_PART = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
#: What is no page of its own: files, the way in, the way on, what is shown once, and addresses where nothing is.
_NO_PAGES = (".static", ".sign_in_page", ".home", ".nowhere", ".users_password_once")


def pages_of(environ: Mapping[str, str]) -> list[str]:
    """Every address that a browser may open, in order; raises ``BenchFailed`` for a part that nobody knows."""
    app = create_app(environ)
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("admin.")]
    app.extensions["services"].close()
    with psycopg.connect(environ["DATABASE_URL"]) as connection:
        return sorted(
            _filled(connection, rule.rule)
            for rule in rules
            if "GET" in (rule.methods or ()) and not rule.endpoint.endswith(_NO_PAGES)
        )


def _filled(connection: psycopg.Connection[Any], rule: str) -> str:
    address = _PART.sub(lambda part: _example(connection, rule, part[1]), rule)
    if rule not in _QUERIES:
        return address
    row = connection.execute(_QUERIES[rule].encode()).fetchone()
    return address + (str(row[0]) if row and row[0] is not None else "?nothing=999999999")


def _example(connection: psycopg.Connection[Any], rule: str, part: str) -> str:
    section = rule.removeprefix("/admin/").partition("/")[0]
    statement = _EXAMPLES.get(rule, _EXAMPLES.get(f"{section}/{part}", _EXAMPLES.get(part)))
    if statement is None:
        raise BenchFailed(f"nobody knows what <{part}> in {rule} may be")
    row = connection.execute(statement.encode()).fetchone()
    return str(row[0]) if row and row[0] is not None else "999999999"
