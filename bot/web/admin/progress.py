"""``/admin/progress/``: how many of how many have registered, where, since which message, and where it will end."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from flask import Response, abort, render_template, request

from bot.evaluation.counts import Counts, funnel
from bot.evaluation.outlook import Outlook, outlook
from bot.evaluation.places import Located, NoSuchPlace, locate
from bot.evaluation.standing import Standing, standing
from bot.officers.permissions import May
from bot.services import Services
from bot.web.admin import progress_charts, progress_map, progress_tables, progress_words
from bot.web.admin.access import Room, area
from bot.web.admin.exports import csv_response, xlsx_response

#: Seconds after which the page asks for itself again.
REFRESH_SECONDS = 10


@dataclass(frozen=True, slots=True)
class _Seen:
    """A place as it stands; ``standing`` and ``outlook`` are None before the first figures were made."""

    located: Located
    standing: Standing | None
    outlook: Outlook | None

    @property
    def counts(self) -> Counts:
        return Counts() if self.standing is None else self.standing.counts


def register(room: Room) -> None:
    """``/admin/progress/`` and its files."""
    services = room.services

    @room.get("/progress/", needs=May.SEE_PROGRESS)
    def progress() -> Response | str:
        shown = _shown(services, _see(services))
        # htmx asks for what changes alone.
        if request.headers.get("HX-Request"):
            return _packed(render_template("admin/progress/live.html", **shown))
        return render_template("admin/progress/page.html", **shown)

    @room.get("/progress/<what>.<kind>", needs=May.EXPORT)
    def progress_export(what: str, kind: str) -> Response:
        respond = {"csv": csv_response, "xlsx": xlsx_response}.get(kind)
        if respond is None or what not in progress_tables.TABLES:
            abort(404)
        seen = _see(services)
        if seen.standing is None or seen.outlook is None:
            abort(409, "The figures are being counted for the first time. Try again in a minute.")
        header, rows = progress_tables.TABLES[what](seen.standing, seen.outlook, services.settings.time_zone)
        place = seen.located.crumbs[-1]
        name = {"parts": "facilities" if place.kind == "district" else "districts"}.get(what, what)
        return respond(f"{name}-{place.code or 'indonesia'}", header, rows)


def _packed(text: str) -> Response:
    """What a telephone fetches six times a minute, a tenth as large. It holds no secret that its size could tell of."""
    answer = Response(text)
    answer.vary.update(("Accept-Encoding", "HX-Request"))
    if request.accept_encodings.quality("gzip"):
        answer.set_data(gzip.compress(text.encode(), compresslevel=1, mtime=0))
        answer.content_encoding = "gzip"
    return answer


def _see(services: Services) -> _Seen:
    """The place that the request names; ends it with 404 where there is none in the admin's area."""
    wanted = {kind: request.args.get(kind, "")[:40] for kind in ("province", "district", "facility")}
    try:
        located = locate(services.reading, area(), **wanted)
    except NoSuchPlace:
        abort(404)
    found = standing(services.reading, located.place)
    if found is None:
        return _Seen(located, None, None)
    zone = services.settings.time_zone
    return _Seen(located, found, outlook(services.reading, located.place, found.counts, found.as_of, zone))


def _shown(services: Services, seen: _Seen) -> dict[str, object]:
    """What the templates show."""
    here = seen.located.crumbs[-1]
    common = {
        "crumbs": seen.located.crumbs,
        "here": here,
        "query": {here.kind: here.code} if here.kind else {},
        "counts": seen.counts,
        "refresh": REFRESH_SECONDS,
        "standing": seen.standing,
    }
    if seen.standing is None or seen.outlook is None or not seen.counts.target:
        return common
    zone, now = services.settings.time_zone, services.clock.now()
    place = seen.located.place
    return common | {
        "headline": progress_words.headline(seen.counts, seen.outlook, zone),
        "forecast_said": progress_words.forecast_said(seen.outlook),
        "days_said": progress_words.days_said(seen.outlook.days, seen.outlook.as_of, zone),
        "is_late": seen.standing.is_late(now),
        "curve": progress_charts.curve(seen.outlook, zone),
        "curve_rows": progress_tables.curve_rows(seen.outlook, zone),
        "days": progress_charts.days(seen.outlook.days, zone),
        "outlook": seen.outlook,
        "funnel": [(progress_words.STEPS[step.name], step) for step in funnel(seen.counts)],
        "places": seen.standing.parts,
        "with_province": not place.province_code,
        "part_kind": "" if place.facility_id else "facility" if place.district_code else "district",
        "tiles": progress_map.tiles(seen.standing.parts) if not place.province_code and not place.facility_id else None,
    }
