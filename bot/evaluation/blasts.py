"""When blasts went out to a place: what a curve of registrations is read by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.db.database import Database
from bot.evaluation.places import Place

#: So many of the newest are marked; more could not be told apart.
MOST: Final = 12


@dataclass(frozen=True, slots=True)
class Blast:
    """A blast by its name, and when it was started."""

    name: str
    started_at: datetime


# By what its audience names, not by its recipients: a page has no time to look through half a million. Who is called by
# number is nobody's province or district.
_BLASTS = """
SELECT c.name, c.materialised_at FROM campaign c
WHERE c.kind = 'blast' AND c.materialised_at IS NOT NULL
  AND (%(country)s OR NOT c.audience ? 'phones')
  AND (NOT c.audience ? 'provinces'
       OR EXISTS (SELECT FROM district d WHERE c.audience -> 'provinces' ? d.province_code AND {districts}))
  AND (NOT c.audience ? 'districts'
       OR EXISTS (SELECT FROM district d WHERE c.audience -> 'districts' ? d.code AND {districts}))
  AND (NOT c.audience ? 'facilities'
       OR EXISTS (SELECT FROM facility f WHERE c.audience -> 'facilities' ? f.code AND {facilities}))
ORDER BY c.materialised_at DESC LIMIT %(most)s
"""


def blasts_to(database: Database, place: Place) -> list[Blast]:
    """The newest blasts whose audience takes in the place, the oldest of them first."""
    area = place.area
    # A facility's whole is known by its id alone; its district is looked up.
    districts = (
        "d.code = (SELECT district_code FROM facility WHERE id = %(area_facility)s)"
        if place.facility_id is not None
        else area.of_districts()
    )
    sql = _BLASTS.format(districts=districts, facilities=area.of_facilities())
    rows = database.rows(
        sql, {"country": area.is_country and place.facility_id is None, "most": MOST, **area.parameters}
    )
    return [Blast(*row) for row in reversed(rows)]
