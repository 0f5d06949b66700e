"""``/admin/lists/``: districts, facilities, roster and sessions are uploaded, tried, and imported.

A file goes under seal at once and is read by the office's worker; its page shows how far that is.
"""

from __future__ import annotations

import csv
import functools
import io
from contextlib import closing
from datetime import timedelta
from typing import Any, Final

import redis
from flask import Response as Answer
from flask import abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from bot.messaging import wake
from bot.officers.accounts import Role
from bot.officers.permissions import May, may
from bot.queues import Work, enqueue_office
from bot.registration.importing import Kind
from bot.registration.importing.header import REJECTION_COLUMNS
from bot.registration.uploads import LARGEST, MOST, Refused, Upload, go, listed, one, receive, rejected
from bot.services import Services
from bot.web.admin.access import NAME, Room, actor, signed_in
from bot.web.admin.exports import CSV_TYPE
from bot.web.admin.faults import told
from bot.web.admin.people import row_id
from bot.web.admin.words import language, mark, say
from bot.web.slow_bodies import expect_upload

_ = mark

KINDS: Final = {
    Kind.DISTRICTS: _("Districts"),
    Kind.FACILITIES: _("Facilities"),
    Kind.ROSTER: _("Health workers (roster)"),
    Kind.SESSIONS: _("Vaccination sessions"),
}
#: The columns of each file: those that must be there, and others.
COLUMNS: Final = {
    Kind.DISTRICTS: ("code, name, province_code, province, time_zone", ""),
    Kind.FACILITIES: ("code, name, district_code", "address"),
    Kind.ROSTER: ("nik, name, birth_date, district_code", "sex, phone, facility_code, profession"),
    Kind.SESSIONS: ("facility_code, date, start, end, capacity", "dose"),
}
_STATES: Final = {
    "waiting": ("warm", _("waiting")),
    "running": ("warm", _("being read")),
    "finished": ("good", _("done")),
    "failed": ("bad", _("not readable")),
}
#: The body of an upload: the file, and what a form puts around it.
_LARGEST_BODY: Final = LARGEST + 64 * 1024
#: Seconds that keeping a file may take, more than a page's statement has: 64 MB take one on a good disk.
_SECONDS: Final = 20.0
#: Bytes of rejected rows whose reasons are translated: a thousand or more, in less than 100 ms.
_LARGEST_TOLD: Final = 128 * 1024
#: After so long in the queue something is wrong with the worker.
_PATIENCE: Final = timedelta(seconds=45)


def register(room: Room) -> None:
    """The form, an upload's page, importing for real, the rejected rows."""
    services = room.services
    database = services.database

    @room.blueprint.url_value_preprocessor
    def more_room(endpoint: str | None, _values: dict[str, Any] | None) -> None:
        # Before the form's token is looked for; for whoever may upload, on this address alone.
        if endpoint == f"{NAME}.upload_take" and current_user.is_authenticated and _may_import():
            request.max_content_length = _LARGEST_BODY
            expect_upload(request.environ)

    @room.get("/lists/", needs=May.IMPORT)
    def uploads() -> str:
        return render_template(
            "admin/uploads/list.html",
            uploads=listed(database),
            most=MOST,
            kinds=KINDS,
            columns=COLUMNS,
            states=_STATES,
            largest=LARGEST // 1024**2,
        )

    @room.post("/lists/", needs=May.IMPORT)
    def upload_take() -> Response:
        file, kind = request.files.get("file"), request.form.get("kind", "")
        if kind not in set(Kind) or file is None or not file.filename:
            flash(say("Choose what the file lists, and the file."), "warm")
            return redirect(url_for("admin.uploads"))
        try:
            with closing(services.database.beside(size=1, limit=_SECONDS)) as patient:
                number = receive(
                    *(patient, services.vault, Kind(kind), file.filename, file.read()), actor(), services.clock.now()
                )
        except Refused:
            flash(say("The file is empty."), "bad")
            return redirect(url_for("admin.uploads"))
        wake_office(services)
        return redirect(url_for("admin.upload_one", number=number))

    @room.get("/lists/<int:number>", needs=May.IMPORT)
    def upload_one(number: int) -> str:
        found = _mine(number)
        now = services.clock.now()
        return render_template(
            "admin/uploads/one.html",
            upload=found,
            kinds=KINDS,
            states=_STATES,
            told=told,
            is_stuck=found.state == "waiting" and now - found.uploaded_at > _PATIENCE,
        )

    @room.post("/lists/<int:number>/import", needs=May.IMPORT)
    def upload_import(number: int) -> Response:
        _mine(number)
        if go(database, number, actor(), services.clock.now()):
            wake_office(services)
        return redirect(url_for("admin.upload_one", number=number))

    @room.get("/lists/<int:number>/rejected.csv", needs=May.IMPORT)
    def upload_rejected(number: int) -> Answer:
        found = _mine(number)
        content = rejected(database, services.vault, found.id, actor(), services.clock.now()) or abort(404)
        answer = Answer(_told_rows(content), content_type=CSV_TYPE)
        answer.headers["Content-Disposition"] = f'attachment; filename="{found.kind.value}-{found.id}-rejected.csv"'
        return answer

    def _mine(number: int) -> Upload:
        """An upload of who is signed in; the ministry sees all."""
        found = one(database, row_id(number))
        if found is None or (found.uploaded_by != actor() and signed_in().role is not Role.NATIONAL):
            abort(404)
        return found


def wake_office(services: Services) -> None:
    """Have the office's worker look at once; without Redis it looks when the clock says so."""
    try:
        wake.enqueue_once(services.queue, Work.OFFICE, functools.partial(enqueue_office, services.queue))
    except redis.RedisError:
        flash(say("It is kept, and will be taken up as soon as the queue is back."), "warm")


def _told_rows(content: bytes) -> bytes:
    """Rejected rows with their reasons in the admin's language, unless they are too many to be gone through here."""
    if language() == "en" or len(content) > _LARGEST_TOLD:
        return content
    text = content.decode()
    separator = text.removeprefix(REJECTION_COLUMNS[0])[0]
    out = io.StringIO(newline="")
    rows = csv.writer(out, delimiter=separator)
    for line, column, reason, *cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        rows.writerow((line, column, told(reason), *cells))
    return out.getvalue().encode()


def _may_import() -> bool:
    return may(current_user.admin.role, May.IMPORT)
