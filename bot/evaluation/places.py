"""The places that figures are told of: the country, a province, a district, or a facility."""

from __future__ import annotations

from dataclasses import dataclass

from bot.db.database import Database
from bot.officers.areas import Area


class NoSuchPlace(LookupError):
    """There is no such place in the area of who asks."""


@dataclass(frozen=True, slots=True)
class Place:
    """What figures are of. All None: the country. A facility with its district: those of its workers who live there;
    without one: all its workers."""

    province_code: str | None = None
    district_code: str | None = None
    facility_id: int | None = None

    @property
    def key(self) -> str:
        """Its name in ``registration_count``; the whole of a facility is kept by district alone."""
        if self.facility_id is not None:
            return f"d{self.district_code}f{self.facility_id}"
        if self.district_code is not None:
            return f"d{self.district_code}"
        return "all" if self.province_code is None else f"p{self.province_code}"

    @property
    def area(self) -> Area:
        """The conditions on rows within it."""
        return Area(self.province_code, self.district_code, self.facility_id)


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step on the way to a place: the parameter and code that lead there (none for the country), and its name."""

    kind: str
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Located:
    """A place with the way to it, from the whole of the area of who asks; the last crumb is the place itself."""

    place: Place
    crumbs: tuple[Crumb, ...]


_PROVINCE = "SELECT d.province_code, d.province FROM district d WHERE d.province_code = %(code)s AND {area} LIMIT 1"
_DISTRICT = """
SELECT d.province_code, d.province, d.code, d.name FROM district d WHERE d.code = %(code)s AND {area}
"""
_FACILITY = """
SELECT d.province_code, d.province, d.code, d.name, f.code, f.name, f.id
FROM facility f JOIN district d ON d.code = f.district_code
WHERE ({by}) AND {area}
"""


def locate(database: Database, area: Area, *, province: str = "", district: str = "", facility: str = "") -> Located:
    """The place with that code, the narrowest that is given; the whole of ``area`` if none is.

    Raises ``NoSuchPlace`` for one that is not there or lies outside ``area``.
    """
    if area.facility_id is not None:
        return _own_facility(database, area, facility, others=bool(province or district))
    if facility:
        return _facility(database, area, facility)
    if province and not district and area.district_code is not None:
        raise NoSuchPlace(province)
    if district or area.district_code is not None:
        return _district(database, area, district or str(area.district_code))
    if province or area.province_code is not None:
        return _province(database, area, province or str(area.province_code))
    return Located(Place(), (_COUNTRY,))


_COUNTRY = Crumb("", "", "Indonesia")


def _own_facility(database: Database, area: Area, code: str, *, others: bool) -> Located:
    """A facility's staff see their own, wherever its workers live."""
    sql = _FACILITY.format(by="f.id = %(id)s", area="true")
    row = database.row(sql, {"id": area.facility_id})
    if row is None or others or code not in {"", row[4]}:
        raise NoSuchPlace(code)
    return Located(Place(facility_id=row[6]), (Crumb("facility", row[4], row[5]),))


def _facility(database: Database, area: Area, code: str) -> Located:
    sql = _FACILITY.format(by="f.code = %(code)s", area=area.of_facilities())
    row = database.row(sql, {"code": code, **area.parameters})
    if row is None:
        raise NoSuchPlace(code)
    return Located(Place(row[0], row[2], row[6]), (*_above(area, row), Crumb("facility", row[4], row[5])))


def _district(database: Database, area: Area, code: str) -> Located:
    row = database.row(_DISTRICT.format(area=area.of_districts()), {"code": code, **area.parameters})
    if row is None:
        raise NoSuchPlace(code)
    return Located(Place(row[0], row[2]), _above(area, row))


def _province(database: Database, area: Area, code: str) -> Located:
    row = database.row(_PROVINCE.format(area=area.of_districts()), {"code": code, **area.parameters})
    if row is None:
        raise NoSuchPlace(code)
    return Located(Place(row[0]), _above(area, row))


def _above(area: Area, row: tuple[str, ...]) -> tuple[Crumb, ...]:
    """The crumbs as far as the area reaches: country, province, and district where the row has one."""
    crumbs = [_COUNTRY, Crumb("province", row[0], row[1]), *([Crumb("district", row[2], row[3])] if row[2:] else [])]
    return tuple(crumbs[2 if area.district_code is not None else 1 if area.province_code is not None else 0 :])
