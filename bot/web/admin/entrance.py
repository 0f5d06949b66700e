"""Signing in and out. Wrong tries are limited per name and per address, in Redis, so in all processes together."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import abort, flash, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from bot.officers.signing_in import Refused, SignedIn, sign_in
from bot.web.admin.access import ANYBODY, SIGNED_IN, Room
from bot.web.admin.tries import Tries
from bot.web.admin.words import LANGUAGES, language, mark, say
from bot.web.callers import Callers

_ = mark

#: Wrong tries at signing in: in ten minutes, of one name, and from one address.
LIMITS: Final = {"name": 8, "address": 40}

_WORDS: Final = {
    Refused.WRONG: _("Name or password is wrong."),
    Refused.CODE_WANTED: _("Type your password once more, and the code that your app shows now."),
    Refused.CODE_WRONG: _(
        "That code is wrong, or was used already. Wait for the next one, and type your password once more."
    ),
}


def register(room: Room) -> None:
    """``/admin/sign-in`` and ``/admin/sign-out``."""
    services = room.services
    tries = Tries(services.conversations, LIMITS)
    callers = Callers(services.settings.client_address_header, services.settings.trusted_proxies)

    @room.get("/sign-in", needs=ANYBODY)
    def sign_in_page() -> Response | str:
        return _page()

    @room.post("/sign-in", needs=ANYBODY)
    def sign_in_now() -> Response | tuple[str, int]:
        name, password = request.form.get("name", "").strip(), request.form.get("password", "")
        made = tries.begin(address=callers.address(request.environ), name=name.lower()[:80])
        if made is None:
            return _page(say("Too many tries. Wait ten minutes."), name=name), 429
        found = sign_in(
            services.database,
            services.vault,
            name,
            password,
            request.form.get("code", ""),
            now=services.clock.now(),
        )
        if not isinstance(found, SignedIn):
            return _page(say(_WORDS[found]), name=name, wants_code=found is not Refused.WRONG), 401
        tries.give_back(made)
        room.begin(found.admin)
        return redirect(_inside(request.args.get("next", "")))

    @room.post("/sign-out", needs=SIGNED_IN)
    def sign_out() -> Response:
        chosen = language()
        room.end()
        session["language"] = chosen
        flash(say("You are signed out."), "good")
        answer = redirect(url_for("admin.sign_in_page"))
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    @room.post("/language", needs=ANYBODY)
    def language_now() -> Response:
        chosen = request.form.get("language", "")
        if chosen not in LANGUAGES:
            abort(400)
        session["language"] = chosen
        if g.admin is not None:
            services.database.rows("UPDATE admin SET language = %s WHERE id = %s", (chosen, g.admin.id))
        return redirect(_inside(request.form.get("back", "")))


def _page(fault: str = "", *, name: str = "", wants_code: bool = False) -> str:
    return render_template("admin/sign-in.html", fault=fault, name=name, wants_code=wants_code)


def _inside(target: str) -> str:
    """Where to go on to: a page of ours, never another host's."""
    parts = urlsplit(target)
    ours = not parts.scheme and not parts.netloc and parts.path.startswith("/admin/") and "\\" not in target
    return target if ours else url_for("admin.home")
