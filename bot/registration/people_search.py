"""Looking somebody up: by the words of their name, their number, their NIK or their ticket."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Any

from bot.crypto import Vault
from bot.db.database import Database
from bot.phone import NotAPhone, mask_phone, parse_phone
from bot.registration.nik import is_nik_form
from bot.registration.officer import Reach
from bot.registration.tickets import is_ticket

#: People shown of those who are found.
MOST = 50
#: Words of a name that count.
_MOST_WORDS = 6
#: Letters of a beginning that is worth a search: those of shorter ones are too many people.
_SHORTEST_BEGINNING = 3
#: Letters of a word that is looked up in the index.
_SHORTEST_WORD = 2

#: As the index ``ix_worker_name_words`` has it.
_NAME = "translate(w.name, '.,''/-()', '       ')"
_NAME_WORDS = f"to_tsvector('simple', {_NAME})"


class By(enum.StrEnum):
    """What was taken for what was typed."""

    NAME = "name"
    PHONE = "phone"
    NIK = "nik"
    TICKET = "ticket"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Match:
    """Somebody who was found: NIK and number masked."""

    id: int
    name: str
    nik: str
    phone: str | None
    district: str
    facility: str | None
    state: str


@dataclass(frozen=True, slots=True)
class Found:
    """At most ``MOST`` people, by name. ``more``: there are others."""

    by: By
    people: tuple[Match, ...] = ()
    more: bool = False


_PEOPLE = """
SELECT w.id, w.name, w.nik_tail, w.phone, d.name, f.name, st.state
FROM (SELECT w.id FROM worker w WHERE {condition} AND {reach} LIMIT {limit}) AS who
JOIN worker w ON w.id = who.id
JOIN district d ON d.code = coalesce(w.domicile_code, w.district_code)
LEFT JOIN facility f ON f.id = w.facility_id
JOIN worker_state st ON st.worker_id = w.id
ORDER BY lower(w.name), w.id
"""


def search(database: Database, vault: Vault, reach: Reach, typed: str) -> Found:
    """Who is meant by what was typed, within reach. A ticket that is none of anybody's may be a name."""
    text = " ".join(typed.split())
    digits = re.sub(r"[ .-]", "", text)
    if is_nik_form(digits):
        return _find(database, reach, By.NIK, "w.nik_hash = ANY(%(niks)s)", {"niks": vault.hashes(digits)})
    phone = _phone(text)
    if phone is not None:
        return _find(database, reach, By.PHONE, "w.phone = %(phone)s", {"phone": phone})
    ticket = digits.upper()
    if is_ticket(ticket):
        of_ticket = "w.id = (SELECT b.worker_id FROM booking b WHERE b.ticket = %(ticket)s)"
        found = _find(database, reach, By.TICKET, of_ticket, {"ticket": ticket})
        if found.people or any(map(str.isdigit, ticket)):
            return found
    words, letters = _words(text)
    if not words:
        return Found(By.NOTHING)
    conditions = [f"{_NAME_WORDS} @@ to_tsquery('simple', %(words)s)"]
    parameters: dict[str, object] = {"words": " & ".join(words)}
    for number, letter in enumerate(letters):
        conditions.append(f"lower(' ' || {_NAME}) LIKE '%% ' || %(letter{number})s || '%%'")
        parameters[f"letter{number}"] = letter
    return _find(database, reach, By.NAME, " AND ".join(conditions), parameters)


def _phone(text: str) -> str | None:
    """The number, if it is one. Numbers are written in digits, so that no name is taken for one."""
    try:
        return parse_phone(text) if any(map(str.isdigit, text)) else None
    except NotAPhone:
        return None


def _words(text: str) -> tuple[list[str], list[str]]:
    """The words to look up in the index, as a tsquery has them, and the single letters that only narrow down.

    Where all are short, whole words are looked up ("Ni"), and letters are none.
    """
    typed = re.findall(r"[^\W_]+", text.lower())[:_MOST_WORDS]
    words = [word for word in typed if len(word) >= _SHORTEST_WORD]
    if any(len(word) >= _SHORTEST_BEGINNING for word in words):
        return [f"{word}:*" for word in words], [word for word in typed if len(word) < _SHORTEST_WORD]
    return words, []


def _find(database: Database, reach: Reach, by: By, condition: str, parameters: dict[str, Any]) -> Found:
    sql = _PEOPLE.format(condition=condition, reach=reach.workers, limit=MOST + 1)
    rows = database.rows(sql, {**reach.parameters, **parameters})
    people = tuple(
        Match(row[0], row[1], f"************{row[2]}", None if row[3] is None else mask_phone(row[3]), *row[4:])
        for row in rows[:MOST]
    )
    return Found(by, people, len(rows) > MOST)
