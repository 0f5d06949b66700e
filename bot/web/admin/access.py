"""Who may open which page: every view says which right it needs, and one that says nothing is closed.

    @room.get("/campaigns/", needs=May.SEE_CAMPAIGNS)
    def campaigns() -> str: ...

Before a view runs, the admin has been found, is not disabled, their session is not over, their one-time password is set up
where a setting asks for it, they have the right, and what changes something carries the form's token. The view finds them
in ``g.admin`` and what they may see in ``g.area``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Blueprint, abort, flash, g, redirect, request, session, url_for
from flask.sansio.app import App
from flask.sansio.blueprints import BlueprintSetupState
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from bot.officers import accounts, sessions
from bot.officers.accounts import Admin, Role
from bot.officers.areas import Area, area_of
from bot.officers.permissions import May, may
from bot.officers.sessions import IDLE, LONGEST
from bot.services import Services
from bot.web.admin.words import say

NAME: Final = "admin"
#: Who must have a one-time password where ``ADMIN_TOTP`` asks for it.
_TOTP_ROLES: Final = frozenset({Role.NATIONAL, Role.PROVINCE})
#: Pages for everybody, and pages for whoever is signed in, whatever their role.
ANYBODY: Final = "anybody"
SIGNED_IN: Final = "signed in"

Needs = May | str
View = Callable[..., Any]


class Visitor(UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """An admin as Flask-Login knows them."""

    def __init__(self, admin: Admin) -> None:
        self.id = str(admin.id)
        self.admin = admin


class Room:
    """The blueprint with its rules. ``needs`` holds what each endpoint asks for."""

    def __init__(self, blueprint: Blueprint, services: Services) -> None:
        self.blueprint = blueprint
        self.services = services
        self.needs: dict[str, Needs] = {f"{NAME}.static": ANYBODY}
        blueprint.record_once(self._join)

    def _join(self, state: BlueprintSetupState) -> None:
        state.app.extensions["admin_room"] = self
        _log_in_with(state.app, self.services)

    def get(self, rule: str, *, needs: Needs) -> Callable[[View], View]:
        """A page that changes nothing."""
        return self._route(rule, ["GET"], needs)

    def post(self, rule: str, *, needs: Needs) -> Callable[[View], View]:
        """A change, from a form with its token."""
        return self._route(rule, ["POST"], needs)

    def _route(self, rule: str, methods: list[str], needs: Needs) -> Callable[[View], View]:
        def add(view: View) -> View:
            self.needs[f"{NAME}.{view.__name__}"] = needs
            self.blueprint.add_url_rule(rule, view.__name__, view, methods=methods)
            return view

        return add

    def enter(self) -> Response | None:
        """Let the caller of this request in, or say why not. Runs before every view."""
        needs = self.needs.get(str(request.endpoint))
        if needs is None:
            abort(404)
        if request.endpoint == f"{NAME}.static":
            return None
        admin = self._admin()
        g.admin = admin
        if request.method == "POST":
            self._check_token()
        if needs == ANYBODY:
            return None
        if admin is None and request.headers.get("HX-Request"):
            # A part of a page that is fetched anew: the whole page goes to the entrance, not the part.
            return Response(status=204, headers={"HX-Redirect": url_for("admin.sign_in_page")})
        if admin is None:
            wanted = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("admin.sign_in_page", next=wanted))
        if self._lacks_totp(admin) and request.endpoint not in {"admin.account", "admin.set_up_totp", "admin.sign_out"}:
            return redirect(url_for("admin.account"))
        if isinstance(needs, May) and not may(admin.role, needs):
            abort(403)
        try:
            g.area = area_of(self.services.database, admin)
        except LookupError:
            abort(403)
        return None

    def may(self, right: str | May) -> bool:
        """Whether who is signed in has a right; templates name it as ``May`` does, e.g. "COMPOSE"."""
        admin: Admin | None = g.get("admin")
        return admin is not None and may(admin.role, right if isinstance(right, May) else May[right])

    def csrf_token(self) -> str:
        """The token of this session's forms."""
        token: str | None = session.get("csrf")
        if token is None:
            token = session["csrf"] = secrets.token_urlsafe(24)
        return token

    @staticmethod
    def _check_token() -> None:
        given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
        if not secrets.compare_digest(given.encode(), str(session.get("csrf", "")).encode()) or not given:
            abort(400, "This form is too old. Go back, load the page again and repeat it.")

    def _admin(self) -> Admin | None:
        """Who is signed in, unless their session is over."""
        if not current_user.is_authenticated:
            return None
        admin: Admin = current_user.admin
        now = self.services.clock.now()
        began, seen = _moment("began"), _moment("seen")
        over = (
            admin.disabled_at is not None
            or now - seen > IDLE
            or now - began > LONGEST
            or (admin.sessions_since is not None and began < admin.sessions_since)
            or sessions.is_ended(self.services.database, str(session.get("id", "")))
        )
        if over:
            logout_user()
            session.clear()
            session["language"] = admin.language
            flash(say("Your session is over. Please sign in again."), "warm")
            return None
        # What a page fetches by itself is no sign that somebody is there.
        by_itself = request.method == "GET" and "HX-Request" in request.headers
        if now - seen > timedelta(minutes=1) and not by_itself:
            session["seen"] = now.timestamp()
        return admin

    def _lacks_totp(self, admin: Admin) -> bool:
        wanted = self.services.settings.admin_totp and admin.role in _TOTP_ROLES
        return wanted and not admin.has_totp

    def begin(self, admin: Admin) -> None:
        """Begin a session. Everything that the browser had before is dropped, so that nobody can have planted it."""
        session.clear()
        now = self.services.clock.now().timestamp()
        session["id"] = sessions.new_id()
        session["began"] = session["seen"] = now
        login_user(Visitor(admin))

    def end(self) -> None:
        """End this session: also for whoever has copied its cookie."""
        sessions.end(self.services.database, str(session.get("id", "")), self.services.clock.now())
        logout_user()
        session.clear()


def area() -> Area:
    """The area of who is signed in."""
    found: Area = g.area
    return found


def signed_in() -> Admin:
    """Who is signed in."""
    found: Admin = g.admin
    return found


def actor() -> str:
    """Who is signed in, as the audit log names them."""
    return signed_in().name


def _moment(key: str) -> datetime:
    return datetime.fromtimestamp(float(session.get(key, 0)), UTC)


def _log_in_with(app: App, services: Services) -> None:
    manager = LoginManager()

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(number: str) -> Visitor | None:
        admin = accounts.by_id(services.database, int(number)) if number.isdecimal() else None
        return None if admin is None else Visitor(admin)

    # Not by ``init_app``: it would have every webhook look for a session. We remember nobody, and need none of that.
    app.login_manager = manager  # type: ignore[attr-defined]
    secure = services.settings.public_url.startswith("https://")
    app.config.update(
        # By this beginning browsers take it from nobody but us, over TLS, for the whole of this host.
        SESSION_COOKIE_NAME="__Host-balas" if secure else "balas",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
    )
