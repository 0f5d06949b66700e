"""Users: who signs in, added and looked after by the ministry. A generated password is shown on one page, once."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Final

from flask import abort, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from bot.crypto import Undecipherable, Vault
from bot.db.database import Database
from bot.officers import accounts, managing, tokens
from bot.officers.accounts import AdminError
from bot.officers.permissions import May
from bot.web.admin.access import Room, actor
from bot.web.admin.user_post import ROLES, choice_of, role_of, told
from bot.web.admin.words import mark, say

_ = mark

#: What may be done with a user besides a new password, and what is said then.
_Act = Callable[..., accounts.Admin]
_ACTS: Final[dict[str, tuple[_Act, str]]] = {
    "disable": (managing.disable, _("{name} cannot sign in any more; all their sessions and tokens are over.")),
    "enable": (managing.enable, _("{name} may sign in again.")),
    "remove-totp": (
        managing.remove_totp,
        _("{name} signs in without a code now, and sets up a new one under My account."),
    ),
    "end-sessions": (managing.end_sessions, _("All sessions of {name} are over.")),
}

#: Characters of what is searched for.
_LONGEST: Final = 60
#: What a password is sealed for between the form and the page that shows it.
_PURPOSE: Final = "shown once"
_KEY: Final = "shown_once"


def register(room: Room) -> None:
    """``/admin/users/``."""
    services = room.services
    database = services.database

    @room.get("/users/", needs=May.MANAGE_USERS)
    def users() -> str:
        wanted, after = request.args.get("q", "")[:_LONGEST], request.args.get("after", "")[:_LONGEST]
        found, more = managing.listed(database, wanted, after)
        return render_template("admin/users/list.html", users=found, more=more, wanted=wanted, roles=ROLES)

    @room.get("/users/<int:number>", needs=May.MANAGE_USERS)
    def users_one(number: int) -> str:
        found = managing.one(database, number) or abort(404)
        return render_template(
            "admin/users/one.html",
            user=found.admin,
            area_name=found.area_name,
            roles=ROLES,
            is_me=_is_me(found.admin),
            tokens=tokens.in_force(database, number, services.clock.now()),
        )

    @room.get("/users/add", needs=May.MANAGE_USERS)
    def users_add() -> str:
        return _form(database)

    @room.post("/users/add", needs=May.MANAGE_USERS)
    def users_add_now() -> Response | tuple[str, int]:
        role = role_of(request.form.get("role", "")) or abort(400)
        name, typed = request.form.get("name", "").strip(), request.form.get("password", "")
        password = typed or managing.generated_password()
        try:
            if accounts.find(database, name) is not None:
                raise AdminError(_("There is a user of that name already."))
            area = request.form.get("area", "") or None
            added = accounts.add(database, name, role, area, password, now=services.clock.now(), actor=actor())
        except AdminError as error:
            return _form(database, fault=told(error)), 400
        if typed:
            flash(say("{name} is added.", name=added.name), "good")
            return redirect(url_for("admin.users"))
        return _show_once(services.vault, added.name, password)

    @room.post("/users/<int:number>/password", needs=May.MANAGE_USERS)
    def users_password(number: int) -> Response:
        found = managing.one(database, number) or abort(404)
        try:
            password = managing.reset_password(database, number, now=services.clock.now(), actor=actor())
        except AdminError as error:
            return _refused(number, error)
        return _show_once(services.vault, found.admin.name, password)

    @room.get("/users/password", needs=May.MANAGE_USERS)
    def users_password_once() -> Response | str:
        sealed = session.pop(_KEY, None)
        try:
            name, password = services.vault.open(b64decode(sealed or ""), _PURPOSE).split("\n")
        except (Undecipherable, ValueError):
            return redirect(url_for("admin.users"))
        return render_template("admin/users/password.html", name=name, password=password)

    @room.post("/users/<int:number>/<what>", needs=May.MANAGE_USERS)
    def users_change(number: int, what: str) -> Response:
        if what not in _ACTS or managing.one(database, number) is None:
            abort(404)
        act, told = _ACTS[what]
        now: datetime = services.clock.now()
        try:
            changed = act(database, number, now=now, actor=actor())
        except AdminError as error:
            return _refused(number, error)
        flash(say(told, name=changed.name), "good")
        return redirect(url_for("admin.users_one", number=number))


def _form(database: Database, fault: str = "") -> str:
    return render_template(
        "admin/users/add.html",
        roles=ROLES,
        choice=choice_of(database),
        shortest=accounts.SHORTEST_PASSWORD,
        longest=accounts.LONGEST_PASSWORD,
        fault=fault,
    )


def _show_once(vault: Vault, name: str, password: str) -> Response:
    """On to the page that shows a password; in between only the sealed one is with the browser."""
    session[_KEY] = b64encode(vault.seal(f"{name}\n{password}", _PURPOSE)).decode()
    return redirect(url_for("admin.users_password_once"))


def _refused(number: int, error: AdminError) -> Response:
    flash(say(str(error)), "bad")
    return redirect(url_for("admin.users_one", number=number))


def _is_me(admin: accounts.Admin) -> bool:
    return admin.name == actor()
