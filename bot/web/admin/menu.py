"""The menu: the sections that who is signed in may open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import g, request

from bot.officers.permissions import May
from bot.web.admin.access import NAME, Room
from bot.web.admin.words import mark

_ = mark


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu: the endpoint of its page and what it is called."""

    endpoint: str
    label: str
    needs: May
    is_here: bool = False


#: All of it, in its order; what has no page (yet) is left out.
_ENTRIES: Final = (
    Entry("admin.progress", _("Progress"), May.SEE_PROGRESS),
    Entry("admin.evaluations", _("Evaluation"), May.SEE_EVALUATION),
    Entry("admin.follow_up", _("Follow-up"), May.FOLLOW_UP),
    Entry("admin.campaigns", _("Campaigns"), May.SEE_CAMPAIGNS),
    Entry("admin.people", _("People"), May.SEE_PEOPLE),
    Entry("admin.sessions", _("Sessions"), May.SEE_SESSIONS),
    Entry("admin.desk", _("Facility desk"), May.DESK),
    Entry("admin.uploads", _("Lists"), May.IMPORT),
    Entry("admin.system", _("System"), May.SEE_SYSTEM),
    Entry("admin.users", _("Users"), May.MANAGE_USERS),
)


def menu_of(room: Room) -> list[Entry]:
    """What the admin of this request may open."""
    if g.get("admin") is None:
        return []
    here = str(request.endpoint).removeprefix(f"{NAME}.")
    section = _section_of(here)
    return [
        Entry(entry.endpoint, entry.label, entry.needs, entry.endpoint == f"{NAME}.{section}")
        for entry in _ENTRIES
        if entry.endpoint in room.needs and room.may(entry.needs)
    ]


def _section_of(view: str) -> str:
    """The section that a view belongs to: views are named ``<section>`` or ``<section>_<what>``."""
    names = [entry.endpoint.removeprefix(f"{NAME}.") for entry in _ENTRIES]
    fitting = [name for name in names if view == name or view.startswith((f"{name}_", f"{name.removesuffix('s')}_"))]
    return max(fitting, key=len, default="")
