"""Tokens for programs, below one's own account: what there is, a new one that is shown once, and ending one."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.officers import tokens
from bot.officers.permissions import May, may
from bot.officers.tokens import FOR_PROGRAMS, LONGEST_DAYS, LONGEST_NAME, MOST, TokenError
from bot.web.admin.access import Room, signed_in
from bot.web.admin.words import mark, say

_ = mark

#: What each right lets a program do.
RIGHTS: Final = {
    May.SEE_PROGRESS: _("Read the progress"),
    May.SEE_CAMPAIGNS: _("Read campaigns"),
    May.COMPOSE: _("Make drafts of campaigns"),
    May.APPROVE: _("Approve campaigns"),
    May.RUN_CAMPAIGNS: _("Send, pause and cancel campaigns"),
    May.STOP_SENDING: _("Stop all sending"),
    May.SEE_PEOPLE: _("Look people up"),
    May.BOOK: _("Book and cancel for people"),
    May.SEE_SESSIONS: _("Read sessions and places left"),
    May.DESK: _("Read a facility's list of the day"),
    May.SEE_SYSTEM: _("Read what waits"),
    May.SEE_AUDIT: _("Read the audit log"),
}
#: How many days a token may last.
DAYS: Final = (7, 30, 90, 365)
_FAULTS: Final = (
    _("A token needs at least one right."),
    _("A token can have no right that you do not have."),
    _("You have a token of that name already."),
)


def register(room: Room) -> None:
    """``/admin/account/tokens``."""
    services = room.services
    database = services.database

    def page(**more: object) -> str:
        admin, now = signed_in(), services.clock.now()
        return render_template(
            "admin/account-tokens.html",
            tokens=[(each, each.is_in_force(now)) for each in tokens.listed(database, admin)],
            rights=[(right.name, label) for right, label in RIGHTS.items() if may(admin.role, right)],
            labels=RIGHTS,
            days=DAYS,
            longest=LONGEST_NAME,
            **{"made": None, "fault": "", "name": "", "chosen": frozenset(), "chosen_days": 90, **more},
        )

    @room.get("/account/tokens", needs=May.ISSUE_TOKENS)
    def account_tokens() -> str:
        return page()

    @room.post("/account/tokens", needs=May.ISSUE_TOKENS)
    def account_token_issue() -> str | tuple[str, int]:
        admin, now = signed_in(), services.clock.now()
        name, days = request.form.get("name", "").strip(), _days(request.form.get("days", ""))
        chosen = {right for right in FOR_PROGRAMS if right.name in request.form.getlist("rights")}
        try:
            made = tokens.issue(database, admin, name, chosen, now + timedelta(days=days), now=now)
        except TokenError as error:
            names = {right.name for right in chosen}
            return page(fault=_told(error), name=name, chosen=names, chosen_days=days), 422
        return page(made=made)

    @room.post("/account/tokens/<int:number>/revoke", needs=May.ISSUE_TOKENS)
    def account_token_revoke(number: int) -> Response:
        if tokens.revoke(database, signed_in(), min(number, 2**63 - 1), now=services.clock.now()):
            flash(say("The token is revoked: no program can use it any more."), "good")
        return redirect(url_for("admin.account_tokens"))


def _days(typed: str) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 6 else LONGEST_DAYS + 1


def _told(error: TokenError) -> str:
    """What is wrong, in the admin's language."""
    text = str(error)
    if text in _FAULTS:
        return say(text)
    if text.startswith("You have "):
        return say("You have {n} tokens. Revoke one that is not needed any more.", n=MOST)
    if text.startswith("A token lasts"):
        return say("A token lasts 1 to {n} days.", n=LONGEST_DAYS)
    return say("The token needs a name of at most {n} characters.", n=LONGEST_NAME)
