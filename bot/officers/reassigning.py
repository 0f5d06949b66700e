"""Another role or area for an admin who is there already: who changes work keeps name, password and history.

Nobody gives what lies above or outside their own, nor changes whoever stands there, nor themselves.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import psycopg

from bot.db import audit
from bot.db.database import Database
from bot.officers import accounts, tokens
from bot.officers.accounts import Admin, AdminError, Role
from bot.officers.managing import changing, check_another_national, check_not_oneself
from bot.officers.permissions import May, may

#: The roles that lie within each. The call centre acts for callers of the whole country: the ministry alone gives it.
_BELOW: Final = {
    Role.NATIONAL: frozenset(Role),
    Role.PROVINCE: frozenset({Role.PROVINCE, Role.DISTRICT, Role.FACILITY}),
    Role.DISTRICT: frozenset({Role.DISTRICT, Role.FACILITY}),
    Role.FACILITY: frozenset({Role.FACILITY}),
    Role.CALL_CENTRE: frozenset({Role.CALL_CENTRE}),
}
#: Where an area lies: province, district and facility.
_PLACES: Final = {
    Role.PROVINCE: "SELECT %s::text, NULL, NULL",
    Role.DISTRICT: "SELECT province_code, code, NULL FROM district WHERE code = %s",
    Role.FACILITY: "SELECT d.province_code, d.code, f.code FROM facility f JOIN district d ON d.code = f.district_code "
    "WHERE f.code = %s",
}
#: Which of the three a role's area is.
_DEPTH: Final = {Role.PROVINCE: 0, Role.DISTRICT: 1, Role.FACILITY: 2}


def is_within(connection: psycopg.Connection[Any], giver: Admin, role: Role, area_code: str | None) -> bool:
    """Whether a role for an area lies within what ``giver`` has: not above it, and not outside their area."""
    if role not in _BELOW[giver.role]:
        return False
    depth = _DEPTH.get(giver.role)
    if depth is None:
        return True
    place = connection.execute(_PLACES[role].encode(), (area_code,)).fetchone() if role in _PLACES else None
    return place is not None and place[depth] == giver.area_code


def reassign(
    database: Database,
    number: int,
    role: Role,
    area_code: str | None,
    *,
    now: datetime,
    actor: str,
    giver: Admin | None,
) -> Admin:
    """Give an admin another role or area and return them as they are now; raises ``AdminError``.

    ``giver`` is who does it; None for an operator at a terminal, who may do everything. What the admin had open ends with
    it, sessions and tokens: nothing goes on with rights that nobody meant it to have. The same once more changes nothing.
    """
    accounts.check_area(database, role, area_code)
    with changing(database, number) as (connection, admin):
        check_not_oneself(admin, actor)
        if (admin.role, admin.area_code) == (role, area_code):
            return admin
        if giver is not None:
            _check_giver(connection, giver, [(admin.role, admin.area_code), (role, area_code)])
        if admin.role is Role.NATIONAL and admin.disabled_at is None:
            check_another_national(connection, admin)
        connection.execute(
            "UPDATE admin SET role = %s, area_code = %s, sessions_since = %s WHERE id = %s",
            (role, area_code, now, number),
        )
        detail = {
            "role": role,
            "area": area_code,
            "was_role": admin.role,
            "was_area": admin.area_code,
            "tokens_ended": tokens.end_all(connection, number, now),
        }
        audit.record(connection, now, actor, "user.reassign", f"user:{admin.name}", detail)
    changed = accounts.by_id(database, number)
    if changed is None:
        raise AdminError("There is no such user.")
    return changed


def _check_giver(connection: psycopg.Connection[Any], giver: Admin, posts: list[tuple[Role, str | None]]) -> None:
    """Raise ``AdminError`` unless the giver, as they are at this moment, reaches both posts: the old one and the new one."""
    row = connection.execute(f"{accounts.ADMIN} WHERE id = %s AND disabled_at IS NULL".encode(), (giver.id,)).fetchone()
    current = None if row is None else accounts.admin_of(row)
    reaches = current is not None and may(current.role, May.MANAGE_USERS)
    if current is None or not reaches or not all(is_within(connection, current, *post) for post in posts):
        raise AdminError("Nobody gives or takes what lies above or outside their own role and area.")
