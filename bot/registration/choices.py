"""What a worker may choose from: districts, facilities with room, their sessions."""

from __future__ import annotations

from bot.conversation.driver import Caller
from bot.conversation.flow import Row, Rows
from bot.crypto import Vault
from bot.daytime import day_text, hours_text
from bot.db.database import Database
from bot.registration.acts import (
    Barred,
    Defer,
    Done,
    ListDistricts,
    ListFacilities,
    ListTimes,
    Moved,
    ReportNotMe,
    SetDomicile,
)
from bot.registration.people import MAY_ACT, may_act
from bot.registration.terms import DOSE, Terms

#: Rows fetched for one page: more never fit.
_PAGE = 8

_DISTRICTS = """
SELECT code, name FROM district WHERE name ILIKE %(pattern)s ORDER BY name, code LIMIT %(limit)s OFFSET %(offset)s
"""

#: Sessions ``s`` with a place left for ``worker w`` (parameters: dose, now, youngest, oldest).
FREE = """s.dose = %(dose)s AND s.open AND s.starts_at > %(now)s AND s.taken < s.capacity
    AND s.local_date >= w.birth_date + make_interval(years => %(youngest)s::int)
    AND s.local_date < w.birth_date + make_interval(years => %(oldest)s::int + 1)"""

_FACILITIES = f"""
SELECT f.id, f.name FROM facility f, worker w
WHERE w.id = %(worker)s AND f.district_code = coalesce(w.domicile_code, w.district_code) AND f.name ILIKE %(pattern)s
  AND EXISTS (SELECT 1 FROM vaccination_session s WHERE s.facility_id = f.id AND {FREE})
ORDER BY (f.id = w.facility_id) DESC NULLS LAST, f.name, f.id LIMIT %(limit)s OFFSET %(offset)s
"""

_TIMES = f"""
SELECT s.id, s.local_date, s.start_time, s.end_time, s.capacity - s.taken FROM vaccination_session s, worker w
WHERE w.id = %(worker)s AND s.facility_id = %(facility)s AND {FREE}
ORDER BY s.starts_at, s.id LIMIT %(limit)s OFFSET %(offset)s
"""


def pattern_of(search: str) -> str:
    """What ILIKE finds a part of a name by."""
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def list_districts(database: Database, act: ListDistricts) -> Rows:
    """Districts whose name holds what was typed."""
    parameters = {"pattern": pattern_of(act.search), "limit": _PAGE + 1, "offset": act.offset}
    found = [Row(code, name) for code, name in database.rows(_DISTRICTS, parameters)]
    return Rows(tuple(found[:_PAGE]), more=len(found) > _PAGE)


def list_facilities(database: Database, terms: Terms, act: ListFacilities, caller: Caller) -> Rows:
    """Facilities of the worker's district that have room, their own first."""
    parameters = _free(terms, caller, act.worker_id) | {"pattern": pattern_of(act.search), "offset": act.offset}
    found = [Row(str(number), name) for number, name in database.rows(_FACILITIES, parameters)]
    return Rows(tuple(found[:_PAGE]), more=len(found) > _PAGE)


def list_times(database: Database, terms: Terms, act: ListTimes, caller: Caller) -> Rows:
    """Sessions of a facility that have room, with the places left."""
    parameters = _free(terms, caller, act.worker_id) | {"facility": act.facility_id, "offset": act.offset}
    found = [
        Row(str(number), f"{day_text(day, act.language)} {hours_text(start, end, act.language)} ({left})")
        for number, day, start, end, left in database.rows(_TIMES, parameters)
    ]
    return Rows(tuple(found[:_PAGE]), more=len(found) > _PAGE)


def _free(terms: Terms, caller: Caller, worker_id: int) -> dict[str, object]:
    return {
        "worker": worker_id,
        "now": caller.now,
        "dose": DOSE,
        "youngest": terms.ages[0],
        "oldest": terms.ages[1],
        "limit": _PAGE + 1,
    }


def set_domicile(database: Database, act: SetDomicile, caller: Caller) -> Moved | Barred:
    """Keep the district that the worker lives in, which may be the roster's own after all."""
    row = database.row(
        "UPDATE worker w SET domicile_code = CASE WHEN d.code = w.district_code THEN NULL ELSE d.code END, "
        "confirmed_at = coalesce(w.confirmed_at, %(now)s), updated_at = %(now)s "
        f"FROM district d WHERE d.code = %(district)s AND w.id = %(worker)s AND {MAY_ACT} RETURNING d.code, d.name",
        {"district": act.district_code, "worker": act.worker_id, "phone": caller.phone, "now": caller.now},
    )
    return Barred() if row is None else Moved(row[0], row[1])


def defer(database: Database, vault: Vault, act: Defer, caller: Caller) -> Done | Barred:
    """Keep, under seal, why a vaccination is deferred."""
    return Barred() if database.row(*deferral(vault, act, caller)) is None else Done()


def deferral(vault: Vault, act: Defer, caller: Caller) -> tuple[str, dict[str, object]]:
    """The statement of ``defer`` with its parameters; it gives a row unless the caller is barred."""
    return (
        "INSERT INTO screening (worker_id, outcome, answer_sealed, screened_at) "
        f"SELECT w.id, 'deferred', %(answer)s, %(now)s FROM worker w WHERE w.id = %(worker)s AND {may_act(caller)} "
        "ON CONFLICT (worker_id) DO UPDATE SET outcome = 'deferred', answer_sealed = EXCLUDED.answer_sealed, "
        "screened_at = EXCLUDED.screened_at RETURNING worker_id",
        {
            "worker": act.worker_id,
            "phone": caller.phone,
            "answer": vault.seal(act.answer, "screening"),
            "now": caller.now,
        },
    )


def report_not_me(database: Database, act: ReportNotMe, caller: Caller) -> Done:
    """Keep for the follow-up that a number belongs to somebody else."""
    database.rows(
        "INSERT INTO not_me_report (worker_id, phone, reported_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (act.worker_id, caller.phone, caller.now),
    )
    return Done()
