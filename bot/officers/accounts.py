"""Who may run campaigns: the admins of the service, their roles and areas."""

from __future__ import annotations

import enum
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from bot.db import audit
from bot.db.database import Database, Row
from bot.officers import passwords

#: Characters of a password, at least and at most.
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}", re.ASCII)


class AdminError(ValueError):
    """An admin cannot be made or does not exist; the text is one plain line."""


class AreaError(AdminError):
    """The area is none of the role's."""


class Role(enum.StrEnum):
    """What an admin sees: the country, an area, or whoever calls."""

    NATIONAL = "national"
    PROVINCE = "province"
    DISTRICT = "district"
    FACILITY = "facility"
    CALL_CENTRE = "call-centre"


#: For each role that has an area: what a code of that area is called, and where it must be found.
_AREAS = {
    Role.PROVINCE: "SELECT 1 FROM district WHERE province_code = %s LIMIT 1",
    Role.DISTRICT: "SELECT 1 FROM district WHERE code = %s",
    Role.FACILITY: "SELECT 1 FROM facility WHERE code = %s",
}


@dataclass(frozen=True, slots=True)
class Admin:
    """An admin. ``area_code``: of a province, district or facility, by the role; none for the other roles."""

    id: int
    name: str
    role: Role
    area_code: str | None
    created_at: datetime
    disabled_at: datetime | None
    language: str = "id"
    has_totp: bool = False
    sessions_since: datetime | None = None
    last_sign_in_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """What may be shown, as JSON values."""
        moments = {name: getattr(self, name) for name in ("created_at", "disabled_at", "last_sign_in_at")}
        shown = {name: value for name, value in asdict(self).items() if name != "sessions_since"}
        return shown | {name: None if moment is None else moment.isoformat() for name, moment in moments.items()}


def check(database: Database, name: str, role: Role, area_code: str | None) -> None:
    """Raise ``AdminError`` unless such an admin could be made: before anybody is asked for a password."""
    if not _NAME.fullmatch(name):
        raise AdminError("A user's name has 1 to 40 letters, digits, dots, dashes and underscores.")
    if (found := find(database, name)) is not None:
        raise AdminError(f"There is a user {found.name} already.")
    check_area(database, role, area_code)


def check_area(database: Database, role: Role, area_code: str | None) -> None:
    """Raise ``AreaError`` unless that is an area of the role: none for a role without one."""
    if role not in _AREAS:
        if area_code is not None:
            raise AreaError(f"The role {role} has no area: leave --area out.")
        return
    if area_code is None:
        raise AreaError(f"The role {role} needs the code of its {role}: --area CODE.")
    if database.row(_AREAS[role], (area_code,)) is None:
        raise AreaError(f"There is no {role} with the code {area_code}.")


def check_password(password: str) -> None:
    """Raise ``AdminError`` unless the password is long enough, and not endless."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AdminError(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")


#: What ``admin_of`` reads.
ADMIN = (
    "SELECT id, name, role, area_code, created_at, disabled_at, language, totp_confirmed_at IS NOT NULL, sessions_since, "
    "last_sign_in_at FROM admin"
)

# Names that differ by their capitals alone would be taken for each other.
_INSERT = """
INSERT INTO admin (name, password_hash, role, area_code, created_at)
SELECT %(name)s, %(hash)s, %(role)s, %(area)s, %(now)s
WHERE NOT EXISTS (SELECT 1 FROM admin WHERE lower(name) = lower(%(name)s))
ON CONFLICT (name) DO NOTHING RETURNING id
"""


def add(
    database: Database, name: str, role: Role, area_code: str | None, password: str, *, now: datetime, actor: str
) -> Admin:
    """Make an admin; raises ``AdminError``. The password is kept as an argon2id hash alone."""
    check(database, name, role, area_code)
    check_password(password)
    hashed = passwords.hashed(password)
    with database.transaction() as connection:
        row = connection.execute(
            _INSERT, {"name": name, "hash": hashed, "role": role, "area": area_code, "now": now}
        ).fetchone()
        if row is None:
            raise AdminError(f"There is a user {name} already.")
        audit.record(connection, now, actor, "user.add", f"user:{name}", {"role": role, "area": area_code})
    return Admin(row[0], name, role, area_code, now, None)


def find(database: Database, name: str) -> Admin | None:
    """The admin of that name, however it is capitalised."""
    row = database.row(f"{ADMIN} WHERE lower(name) = lower(%s)", (name,))
    return None if row is None else admin_of(row)


def by_id(database: Database, number: int) -> Admin | None:
    """The admin of that id."""
    row = database.row(f"{ADMIN} WHERE id = %s", (number,))
    return None if row is None else admin_of(row)


def every(database: Database) -> list[Admin]:
    """All admins, by name."""
    return [admin_of(row) for row in database.rows(f"{ADMIN} ORDER BY lower(name)")]


def admin_of(row: Row) -> Admin:
    """The admin of a row of ``ADMIN``."""
    return Admin(row[0], row[1], Role(row[2]), *row[3:])
