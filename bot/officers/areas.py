"""The area of an admin, as a condition on the rows that they may see.

Every statement that shows people, facilities or figures to an admin takes one of these conditions: a row outside the area
is not there for them, whatever a request names.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.db.database import Database
from bot.officers.accounts import Admin, Role

#: Where a worker counts: where they live, if they have told us.
_HOME = "coalesce({w}.domicile_code, {w}.district_code)"


@dataclass(frozen=True, slots=True)
class Area:
    """What an admin sees. All fields None: the whole country. ``facility_id`` comes with its ``district_code``."""

    province_code: str | None = None
    district_code: str | None = None
    facility_id: int | None = None

    @property
    def is_country(self) -> bool:
        """Whether it is everything."""
        return self.province_code is None and self.district_code is None

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters that the conditions below name."""
        return {
            "area_province": self.province_code,
            "area_district": self.district_code,
            "area_facility": self.facility_id,
        }

    def of_workers(self, w: str = "w") -> str:
        """A condition on the worker at alias ``w``."""
        if self.facility_id is not None:
            return f"{w}.facility_id = %(area_facility)s"
        home = _HOME.format(w=w)
        if self.district_code is not None:
            return f"{home} = %(area_district)s"
        if self.province_code is not None:
            return f"{home} IN (SELECT code FROM district WHERE province_code = %(area_province)s)"
        return "true"

    def of_facilities(self, f: str = "f") -> str:
        """A condition on the facility at alias ``f``."""
        if self.facility_id is not None:
            return f"{f}.id = %(area_facility)s"
        if self.district_code is not None:
            return f"{f}.district_code = %(area_district)s"
        if self.province_code is not None:
            return f"{f}.district_code IN (SELECT code FROM district WHERE province_code = %(area_province)s)"
        return "true"

    def of_districts(self, d: str = "d") -> str:
        """A condition on the district at alias ``d``; a facility's staff see their district's name."""
        if self.district_code is not None:
            return f"{d}.code = %(area_district)s"
        if self.province_code is not None:
            return f"{d}.province_code = %(area_province)s"
        return "true"


def area_of(database: Database, admin: Admin) -> Area:
    """The area of an admin; raises ``LookupError`` where it is not in the registry any more: then they see nothing."""
    if admin.role is Role.PROVINCE:
        return Area(province_code=admin.area_code)
    if admin.role is Role.DISTRICT:
        return Area(district_code=admin.area_code)
    if admin.role is Role.FACILITY:
        row = database.row("SELECT id, district_code FROM facility WHERE code = %s", (admin.area_code,))
        if row is None:
            raise LookupError(f"there is no facility {admin.area_code}")
        return Area(district_code=row[1], facility_id=row[0])
    return Area()
