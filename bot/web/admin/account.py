"""One's own account: language, password, one-time passwords."""

from __future__ import annotations

from typing import Final

import segno
from flask import abort, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from bot.officers.accounts import Admin, AdminError
from bot.officers.signing_in import address_of, change_password, is_password_of, keep_secret, new_secret
from bot.web.admin.access import SIGNED_IN, Room, signed_in
from bot.web.admin.entrance import LIMITS
from bot.web.admin.tries import Tries
from bot.web.admin.words import mark, say

_ = mark

#: What a secret is bound to that is shown but not in force yet.
_PENDING: Final = "totp.pending"


def register(room: Room) -> None:
    """``/admin/account``."""
    services = room.services
    tries = Tries(services.conversations, LIMITS)

    def knows_password(admin: Admin, password: str) -> bool:
        """Whether who is signed in knows their password; wrong ones count as at the entrance."""
        made = tries.begin(name=admin.name.lower())
        if made is None:
            abort(429, _("Too many tries. Wait ten minutes."))
        if not is_password_of(services.database, admin, password):
            return False
        tries.give_back(made)
        return True

    @room.get("/account", needs=SIGNED_IN)
    def account() -> str:
        admin = signed_in()
        # Sealed: a cookie is signed, but whoever reads it reads what stands in it.
        if "totp" not in session:
            session["totp"] = services.vault.seal(new_secret(), _PENDING).hex()
        secret = services.vault.open(bytes.fromhex(session["totp"]), _PENDING)
        picture = segno.make(address_of(secret, admin.name), error="m").svg_data_uri(scale=4, border=2)
        return render_template("admin/account.html", secret=secret, picture=picture)

    @room.post("/account/totp", needs=SIGNED_IN)
    def set_up_totp() -> Response:
        admin, sealed = signed_in(), session.get("totp")
        code, now = request.form.get("code", ""), services.clock.now()
        # Whoever finds a browser open must not take the account over.
        if not knows_password(admin, request.form.get("password", "")):
            flash(say("The password is wrong."), "bad")
            return redirect(url_for("admin.account"))
        secret = services.vault.open(bytes.fromhex(sealed), _PENDING) if sealed else ""
        if secret and keep_secret(services.database, services.vault, admin, secret, code, now=now):
            room.begin(admin)
            flash(say("From now on you sign in with a code of your app as well."), "good")
        else:
            flash(say("That code is wrong. Scan the picture again, and type the code that the app shows now."), "bad")
        return redirect(url_for("admin.account"))

    @room.post("/account/password", needs=SIGNED_IN)
    def account_password() -> Response:
        admin = signed_in()
        old, new = request.form.get("old", ""), request.form.get("new", "")
        try:
            changed = knows_password(admin, old) and change_password(
                services.database, admin, old, new, now=services.clock.now()
            )
        except AdminError as error:
            flash(say(str(error)), "bad")
            return redirect(url_for("admin.account"))
        if changed:
            room.begin(admin)
            flash(say("The password is changed. All other sessions of yours are over."), "good")
        else:
            flash(say("The old password is wrong."), "bad")
        return redirect(url_for("admin.account"))
