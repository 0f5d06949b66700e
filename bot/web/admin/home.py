"""``/admin/``: on to the first page that who is signed in may open. Whatever has no page says so."""

from __future__ import annotations

from flask import abort, redirect, render_template, url_for
from werkzeug.wrappers import Response

from bot.web.admin.access import SIGNED_IN, Room
from bot.web.admin.menu import menu_of


def register(room: Room) -> None:
    """The first page."""

    @room.get("/", needs=SIGNED_IN)
    def home() -> Response | str:
        entries = menu_of(room)
        return redirect(url_for(entries[0].endpoint)) if entries else render_template("admin/nothing.html")

    @room.get("/<path:_anything>", needs=SIGNED_IN)
    def nowhere(_anything: str) -> Response:
        abort(404)
