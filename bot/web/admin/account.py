"""One's own account: language, password, one-time passwords."""

from __future__ import annotations

import segno
from flask import flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from bot.officers.accounts import AdminError
from bot.officers.signing_in import address_of, change_password, keep_secret, new_secret
from bot.web.admin.access import SIGNED_IN, Room, signed_in
from bot.web.admin.words import say


def register(room: Room) -> None:
    """``/admin/account``."""
    services = room.services

    @room.get("/account", needs=SIGNED_IN)
    def account() -> str:
        admin = signed_in()
        secret = session.setdefault("totp", new_secret())
        picture = segno.make(address_of(secret, admin.name), error="m").svg_data_uri(scale=4, border=2)
        return render_template("admin/account.html", secret=secret, picture=picture)

    @room.post("/account/totp", needs=SIGNED_IN)
    def set_up_totp() -> Response:
        admin, secret = signed_in(), session.get("totp")
        code, now = request.form.get("code", ""), services.clock.now()
        if secret and keep_secret(services.database, services.vault, admin, secret, code, now=now):
            session.pop("totp")
            flash(say("From now on you sign in with a code of your app as well."), "good")
        else:
            flash(say("That code is wrong. Scan the picture again, and type the code that the app shows now."), "bad")
        return redirect(url_for("admin.account"))

    @room.post("/account/password", needs=SIGNED_IN)
    def account_password() -> Response:
        admin = signed_in()
        old, new = request.form.get("old", ""), request.form.get("new", "")
        try:
            changed = change_password(services.database, admin, old, new, now=services.clock.now())
        except AdminError as error:
            flash(say(str(error)), "bad")
            return redirect(url_for("admin.account"))
        if changed:
            room.begin(admin)
            flash(say("The password is changed. All other sessions of yours are over."), "good")
        else:
            flash(say("The old password is wrong."), "bad")
        return redirect(url_for("admin.account"))
