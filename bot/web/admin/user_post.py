"""A user's role and area: chosen step by step, when one is added and when one changes work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.db.database import Database
from bot.officers import managing, reassigning
from bot.officers.accounts import AdminError, AreaError, Role
from bot.officers.managing import Listed
from bot.officers.permissions import May
from bot.web.admin.access import Room, actor, signed_in
from bot.web.admin.words import mark, say

_ = mark

#: Roles as they are called.
ROLES: Final = {
    Role.NATIONAL: _("Ministry, the whole country"),
    Role.PROVINCE: _("Province"),
    Role.DISTRICT: _("District"),
    Role.FACILITY: _("Facility"),
    Role.CALL_CENTRE: _("Call centre"),
}
#: What is told of roles and areas, for the catalog.
_FAULTS: Final = (
    _("Nobody gives or takes what lies above or outside their own role and area."),
    _("The last national admin stays: somebody of the ministry must be able to sign in."),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """How far a choice has come: the role, the district of a facility, and the areas to choose from, code and name."""

    role: Role | None
    district: str
    districts: list[tuple[str, str]]
    areas: list[tuple[str, str]]

    @property
    def has_area(self) -> bool:
        """Whether the role has an area."""
        return self.role in {Role.PROVINCE, Role.DISTRICT, Role.FACILITY}

    @property
    def is_made(self) -> bool:
        """Whether nothing but the area is left to choose."""
        return self.role is not None and (bool(self.areas) or not self.has_area)


def choice_of(database: Database) -> Choice:
    """What the request has chosen so far."""
    role, district = role_of(request.values.get("role", "")), request.values.get("district", "")
    areas: list[tuple[str, str]] = []
    if role is Role.PROVINCE:
        areas = managing.provinces(database)
    elif role is Role.DISTRICT:
        areas = managing.districts(database)
    elif role is Role.FACILITY and district:
        areas = managing.facilities(database, district)
    return Choice(role, district, managing.districts(database) if role is Role.FACILITY else [], areas)


def role_of(text: str) -> Role | None:
    """The role of that name."""
    return Role(text) if text in set(Role) else None


def told(error: AdminError) -> str:
    """What is wrong, in the admin's language: on a page areas are chosen from a list, not typed."""
    return say("Choose an area from the list.") if isinstance(error, AreaError) else say(str(error))


def register(room: Room) -> None:
    """``/admin/users/<number>/role``."""
    services = room.services
    database = services.database

    def page(found: Listed, fault: str = "") -> str:
        return render_template(
            "admin/users/role.html",
            user=found.admin,
            area_name=found.area_name,
            roles=ROLES,
            choice=choice_of(database),
            fault=fault,
        )

    @room.get("/users/<int:number>/role", needs=May.MANAGE_USERS)
    def users_role(number: int) -> str:
        return page(managing.one(database, number) or abort(404))

    @room.post("/users/<int:number>/role", needs=May.MANAGE_USERS)
    def users_role_now(number: int) -> Response | tuple[str, int]:
        found = managing.one(database, number) or abort(404)
        role = role_of(request.form.get("role", "")) or abort(400)
        area = request.form.get("area", "") or None
        try:
            changed = reassigning.reassign(
                *(database, number, role, area), now=services.clock.now(), actor=actor(), giver=signed_in()
            )
        except AdminError as error:
            return page(found, told(error)), 400
        flash(
            say("{name} has another role or area now; all their sessions and tokens are over.", name=changed.name),
            "good",
        )
        return redirect(url_for("admin.users_one", number=number))
