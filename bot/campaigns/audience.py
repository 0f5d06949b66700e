"""Audiences: a small, closed language of filters over the roster, kept as JSON; all members of it must hold.

Each member becomes a condition over ``worker w`` and ``district d`` (that of their domicile). Nobody is ever in an audience
who has no phone, has opted out, or whose number is known to reach nobody: that is ``MAY_BE_SENT_TO``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.campaigns import audience_words
from bot.phone import NotAPhone, parse_phone
from bot.registration.hops import STOPS


class AudienceError(ValueError):
    """An audience cannot be understood, or names what does not exist; one plain line."""


#: Who may be sent to at all; conjoined with every audience.
MAY_BE_SENT_TO: Final = (
    "w.phone IS NOT NULL AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.phone = w.phone) "
    "AND NOT EXISTS (SELECT 1 FROM wrong_number o WHERE o.phone = w.phone)"
)


def _has_booking(state: str) -> str:
    return f"EXISTS (SELECT 1 FROM booking k WHERE k.worker_id = w.id AND k.state = '{state}')"


_SCREENED = "EXISTS (SELECT 1 FROM screening c WHERE c.worker_id = w.id AND c.outcome = '{}')"
_INVITED = (
    "EXISTS (SELECT 1 FROM message i WHERE i.worker_id = w.id AND i.campaign_id IS NOT NULL "
    "AND i.state IN ('accepted', 'delivered'){})"
)

#: As the view worker_state says it, but for one worker at a time or for all of them, as the planner sees fit.
_STATE = f"""CASE WHEN {_has_booking("attended")} THEN 'attended' WHEN {_has_booking("booked")} THEN 'booked'
    WHEN {_has_booking("no_show")} THEN 'no_show' WHEN {_SCREENED.format("deferred")} THEN 'deferred'
    WHEN {_has_booking("cancelled")} THEN 'cancelled' WHEN w.verified_at IS NOT NULL THEN 'verified'
    WHEN w.started_at IS NOT NULL THEN 'started' WHEN {_INVITED.format("")} THEN 'invited' ELSE 'not_invited' END"""
STATES: Final = (
    "not_invited",
    "invited",
    "started",
    "verified",
    "deferred",
    "booked",
    "cancelled",
    "attended",
    "no_show",
)

_NOT_SCREENED = "NOT EXISTS (SELECT 1 FROM screening c WHERE c.worker_id = w.id) AND w.confirmed_at IS NULL"


def _stands_at(place: str) -> str:
    states = ", ".join(f"'{state}'" for state in STOPS[place])
    return (
        "EXISTS (SELECT 1 FROM last_stop l WHERE l.worker_id = w.id AND l.at >= w.verified_at "
        f"AND l.state IN ({states}))"
    )


#: Where people who are started or verified stopped, as far as the roster tells: between proof and screening it cannot
#: tell the screens apart, so there the last screen does; where that was not noted, both may be meant.
_STOPPED: Final = {
    "identify": "w.verified_at IS NULL",
    "confirm": f"w.verified_at IS NOT NULL AND {_NOT_SCREENED} AND NOT {_stands_at('screening')}",
    "screening": f"w.verified_at IS NOT NULL AND {_NOT_SCREENED} AND NOT {_stands_at('confirm')}",
    "offer": f"(w.confirmed_at IS NOT NULL OR {_SCREENED.format('fit')}) "
    "AND NOT EXISTS (SELECT 1 FROM booking k WHERE k.worker_id = w.id AND k.state = 'held' AND k.held_until > %(now)s)",
}
_OUTCOMES: Final = {"delivered": ("delivered",), "not_delivered": ("rejected",), "unknown": ("accepted", "unknown")}
_AREAS: Final = {"district": "d.code", "province": "d.province_code"}
#: The languages that conversations are held in.
LANGUAGES: Final = ("id", "en")
#: Entries that a list may have.
MOST_ENTRIES: Final = 100_000
#: Hours that somebody may have been silent: a year of them.
LONGEST_SILENCE: Final = 24 * 365
#: Lists of people from a file. Whoever was on one stays on it: their hash does not change, and that their phone is
#: still the one that was written down is asked of every message anyhow.
_LISTS: Final = frozenset({"phones", "nik_hashes"})
#: What PostgreSQL keeps in no text: NUL, and halves of characters.
_NEVER_KEPT: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Audience:
    """A checked audience. ``condition``: SQL over ``worker w`` and ``district d``, with ``parameters`` and ``now``.

    ``still_condition``, ``still_parameters``: the same for those who were in it once, without lists of people.
    ``names_booked``: its states include those of the registered, so whoever books meanwhile stays in it.
    """

    mapping: Mapping[str, Any]
    condition: str
    parameters: dict[str, object]
    names_booked: bool
    still_condition: str
    still_parameters: dict[str, object]

    def words(self, language: str = "en") -> str:
        """The audience as people read it, in ``en`` or ``id``."""
        return audience_words.spoken(self.mapping, language)


_Made = tuple[str, dict[str, object]]
#: Where people stop whom a campaign may ask back.
PLACES: Final = tuple(_STOPPED)
#: What became of an earlier campaign's message.
OUTCOMES: Final = tuple(_OUTCOMES)


def _texts(name: str, value: object) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each.strip() for each in value):
        raise AudienceError(f'"{name}" must be a list of texts that is not empty')
    if len(value) > MOST_ENTRIES:
        raise AudienceError(f'"{name}" has {len(value):,} entries; at most {MOST_ENTRIES:,} may be given')
    if any(map(_NEVER_KEPT.search, value)):
        raise AudienceError(f'"{name}" has a text with characters that cannot be kept')
    return [each.strip() for each in value]


def _one_of(name: str, value: object, known: Mapping[str, object] | tuple[str, ...]) -> list[str]:
    chosen = _texts(name, value)
    for each in chosen:
        if each not in known:
            raise AudienceError(f'"{name}" has no {each[:60]!r}; known are {", ".join(known)}')
    return chosen


def _codes(condition: str) -> Callable[[str, object], _Made]:
    def make(name: str, value: object) -> _Made:
        return condition.replace("%s", f"%(aud_{name})s"), {f"aud_{name}": _texts(name, value)}

    return make


def _professions(name: str, value: object) -> _Made:
    return "lower(w.profession) = ANY(%(aud_professions)s)", {
        "aud_professions": [t.lower() for t in _texts(name, value)]
    }


def _states(name: str, value: object) -> _Made:
    return f"({_STATE}) = ANY(%(aud_states)s)", {"aud_states": _one_of(name, value, STATES)}


def _languages(name: str, value: object) -> _Made:
    return "w.language = ANY(%(aud_languages)s)", {"aud_languages": _one_of(name, value, LANGUAGES)}


def _silent(name: str, value: object) -> _Made:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_SILENCE:
        raise AudienceError(f'"{name}" must be a number of hours')
    before = " AND i.settled_at <= %(now)s - make_interval(secs => %(aud_silent)s)"
    return f"w.started_at IS NULL AND {_INVITED.format(before)}", {"aud_silent": value * 3600.0}


def _stopped(name: str, value: object) -> _Made:
    places = _one_of(name, value, _STOPPED)
    stopped = " OR ".join(f"({_STOPPED[place]})" for place in places)
    return f"w.started_at IS NOT NULL AND ({stopped}) AND ({_STATE}) IN ('started', 'verified')", {}


def _campaign(name: str, value: object) -> _Made:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or set(value) - {"name", "outcome"}:
        raise AudienceError(f'"{name}" must be like {{"name": "first blast", "outcome": ["not_delivered"]}}')
    [title] = _texts("name", [value["name"]])
    outcomes = _one_of("outcome", value.get("outcome"), _OUTCOMES)
    states = sorted({state for outcome in outcomes for state in _OUTCOMES[outcome]})
    return (
        "EXISTS (SELECT 1 FROM message i JOIN campaign e ON e.id = i.campaign_id WHERE i.worker_id = w.id "
        "AND e.name = %(aud_campaign)s AND i.state = ANY(%(aud_outcomes)s))",
        {"aud_campaign": title, "aud_outcomes": states},
    )


def _area(name: str, value: object) -> _Made:
    """What the server puts into the campaigns of an area's admins: nobody outside the area is ever in them."""
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= set(_AREAS):
        raise AudienceError(f'"{name}" must be like {{"district": "3171"}} or {{"province": "31"}}')
    [(kind, code)] = value.items()
    [code] = _texts(name, [code])
    return f"{_AREAS[kind]} = %(aud_area)s", {"aud_area": code}


def _phones(name: str, value: object) -> _Made:
    phones = []
    for number, each in enumerate(_texts(name, value), 1):
        try:
            phones.append(parse_phone(each))
        except NotAPhone as error:
            raise AudienceError(f'"{name}": the {number}. is no phone number') from error
    return "w.phone IN (SELECT unnest(%(aud_phones)s::text[]))", {"aud_phones": phones}


def _nik_hashes(name: str, value: object) -> _Made:
    try:
        hashes = [bytes.fromhex(each) for each in _texts(name, value)]
    except ValueError as error:
        raise AudienceError(f'"{name}" must be hashes in hexadecimal digits') from error
    return "w.nik_hash IN (SELECT unnest(%(aud_nik_hashes)s::bytea[]))", {"aud_nik_hashes": hashes}


_MEMBERS: Final[Mapping[str, Callable[[str, object], _Made]]] = {
    "districts": _codes("d.code = ANY(%s)"),
    "provinces": _codes("d.province_code = ANY(%s)"),
    "facilities": _codes("w.facility_id IN (SELECT id FROM facility WHERE code = ANY(%s))"),
    "professions": _professions,
    "states": _states,
    "silent_for_hours": _silent,
    "stopped_at": _stopped,
    "languages": _languages,
    "campaign": _campaign,
    "phones": _phones,
    "nik_hashes": _nik_hashes,
    "area": _area,
}


def parse_audience(value: str | Mapping[str, Any]) -> Audience:
    """The audience of a JSON text or object; raises ``AudienceError``."""
    mapping: Any = _read(value) if isinstance(value, str) else value
    if not isinstance(mapping, Mapping):
        raise AudienceError('the audience must be a JSON object, e.g. {"districts": ["3171"]}')
    made: dict[str, _Made] = {}
    for name, wanted in mapping.items():
        make = _MEMBERS.get(name)
        if make is None:
            raise AudienceError(f"the audience has an unknown member {name[:60]!r}; known are {', '.join(_MEMBERS)}")
        made[name] = make(name, wanted)
    condition, parameters = _all_of(made)
    still, still_parameters = _all_of({name: each for name, each in made.items() if name not in _LISTS})
    named = not {"booked", "attended"}.isdisjoint(mapping.get("states") or [])
    return Audience(dict(mapping), condition, parameters, named, still, still_parameters)


def _all_of(made: Mapping[str, _Made]) -> _Made:
    parameters: dict[str, object] = {}
    for _, more in made.values():
        parameters |= more
    return " AND ".join(["true", *(f"({condition})" for condition, _ in made.values())]), parameters


def _read(value: str) -> object:
    try:
        return json.loads(value, object_pairs_hook=_each_once)
    except AudienceError:
        raise
    except ValueError as error:
        raise AudienceError(f"the audience is not JSON: {error}") from error
    except RecursionError as error:
        raise AudienceError("the audience is nested too deeply") from error


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in members if names.count(name) > 1)
        raise AudienceError(f"the audience names {doubled[:60]!r} twice")
    return members
