"""What a role may see and do: one table. Pages, API and commands ask it, and what stands in no row nobody may do.

What an admin sees of what they may see is limited to their area besides: ``bot.officers.areas``.
"""

from __future__ import annotations

import enum

from bot.officers.accounts import Role


class May(enum.StrEnum):
    """A right."""

    SEE_PROGRESS = "see progress"
    SEE_EVALUATION = "see evaluations"
    EXPORT = "export"
    SEE_CAMPAIGNS = "see campaigns"
    COMPOSE = "compose campaigns"
    APPROVE = "approve campaigns"
    RUN_CAMPAIGNS = "send, pause and cancel campaigns"
    STOP_SENDING = "stop all sending"
    SEE_PEOPLE = "see people"
    REVEAL_NIK = "reveal a NIK"
    EDIT_PEOPLE = "correct people"
    HAND_OUT_DATA = "hand out a person's data"
    ERASE_PEOPLE = "erase people"
    BOOK = "book for people"
    FOLLOW_UP = "follow people up"
    SETTLE_ENQUIRIES = "settle enquiries"
    SEE_SESSIONS = "see sessions"
    EDIT_SESSIONS = "change sessions"
    IMPORT = "import lists"
    DESK = "work at a facility's desk"
    SEE_SYSTEM = "see the system"
    OPERATE_SYSTEM = "operate the system"
    SEE_AUDIT = "see the audit log"
    MANAGE_USERS = "manage users"
    ISSUE_TOKENS = "issue tokens for programs"


_OFFICE = frozenset(
    {
        *(May.SEE_PROGRESS, May.SEE_EVALUATION, May.EXPORT),
        *(May.SEE_CAMPAIGNS, May.COMPOSE, May.RUN_CAMPAIGNS),
        *(May.SEE_PEOPLE, May.REVEAL_NIK, May.EDIT_PEOPLE, May.HAND_OUT_DATA, May.BOOK),
        *(May.FOLLOW_UP, May.SETTLE_ENQUIRIES),
        *(May.SEE_SESSIONS, May.EDIT_SESSIONS, May.DESK),
        May.ISSUE_TOKENS,
    }
)

#: The table.
PERMISSIONS: dict[Role, frozenset[May]] = {
    Role.NATIONAL: frozenset(May),
    # Lists are the ministry's; a second pair of eyes on a province's campaign may be another of the province. Who is erased
    # cannot be called back: districts ask their province.
    Role.PROVINCE: _OFFICE | {May.APPROVE, May.ERASE_PEOPLE},
    Role.DISTRICT: _OFFICE,
    Role.FACILITY: frozenset(
        {May.SEE_PROGRESS, May.SEE_PEOPLE, May.SEE_SESSIONS, May.EDIT_SESSIONS, May.DESK, May.EXPORT}
    ),
    # Looks up and acts for callers; everything audited, nothing exported.
    Role.CALL_CENTRE: frozenset({May.SEE_PEOPLE, May.EDIT_PEOPLE, May.BOOK, May.SEE_SESSIONS}),
}


def may(role: Role, right: May) -> bool:
    """Whether a role has a right."""
    return right in PERMISSIONS[role]
