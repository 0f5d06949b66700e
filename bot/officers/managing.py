"""Looking after admins: who there is, letting one in or out, helping who has lost a password or a telephone.

Each change is one transaction with its line in the audit log, and ends the sessions that the admin has. A new password and
shutting out end the tokens of their programs too. Nobody shuts themselves out, and the last national admin who may still
sign in is not shut out by anybody.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from bot.db import audit
from bot.db.database import Database
from bot.officers import accounts, passwords, tokens
from bot.officers.accounts import Admin, AdminError, Role

#: A generated password: groups of characters that nobody takes for another; 77 bits in all.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_LENGTH = 4, 4


def generated_password() -> str:
    """A password to be read out or written down, e.g. ``k7mt-w2xp-9fha-rrcd``."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))


@dataclass(frozen=True, slots=True)
class Listed:
    """An admin with the name of their area; ``area_name`` is None for the country, and where the area is gone."""

    admin: Admin
    area_name: str | None


_NAMES = {
    Role.PROVINCE: "SELECT DISTINCT ON (province_code) province_code, province FROM district "
    "WHERE province_code = ANY(%s) ORDER BY province_code, code",
    Role.DISTRICT: "SELECT code, name FROM district WHERE code = ANY(%s)",
    Role.FACILITY: "SELECT code, name FROM facility WHERE code = ANY(%s)",
}


#: Admins of a page: every facility of the country may have some.
PAGE = 100

_PAGE = f"""
{accounts.ADMIN} WHERE lower(name) > %(after)s
AND (%(wanted)s = '' OR strpos(lower(name), %(wanted)s) > 0 OR lower(area_code) = %(wanted)s)
ORDER BY lower(name) LIMIT %(limit)s
"""


def listed(database: Database, wanted: str = "", after: str = "") -> tuple[list[Listed], str]:
    """A page of admins by name, and the name after which the next page begins ("" for none).

    ``wanted``: a part of the name, or the code of the area.
    """
    parameters = {"wanted": wanted.strip().lower(), "after": after.lower(), "limit": PAGE + 1}
    admins = [accounts.admin_of(row) for row in database.rows(_PAGE, parameters)]
    return _with_areas(database, admins[:PAGE]), admins[PAGE - 1].name if len(admins) > PAGE else ""


def one(database: Database, number: int) -> Listed | None:
    """The admin of that id."""
    admin = accounts.by_id(database, number)
    return None if admin is None else _with_areas(database, [admin])[0]


def _with_areas(database: Database, admins: list[Admin]) -> list[Listed]:
    names: dict[tuple[Role, str | None], str] = {}
    for role, statement in _NAMES.items():
        codes = sorted({admin.area_code for admin in admins if admin.role is role and admin.area_code})
        if codes:
            names |= {(role, code): name for code, name in database.rows(statement, (codes,))}
    return [Listed(admin, names.get((admin.role, admin.area_code))) for admin in admins]


def provinces(database: Database) -> list[tuple[str, str]]:
    """Code and name of every province, by name."""
    return [
        (code, name)
        for code, name in database.rows(
            "SELECT province_code, min(province) FROM district GROUP BY province_code ORDER BY 2, 1"
        )
    ]


def districts(database: Database) -> list[tuple[str, str]]:
    """Code and name of every district, by name."""
    return [(code, name) for code, name in database.rows("SELECT code, name FROM district ORDER BY name, code")]


def facilities(database: Database, district: str) -> list[tuple[str, str]]:
    """Code and name of every facility of a district, by name."""
    statement = "SELECT code, name FROM facility WHERE district_code = %s ORDER BY name, code"
    return [(code, name) for code, name in database.rows(statement, (district,))]


def disable(database: Database, number: int, *, now: datetime, actor: str) -> Admin:
    """Shut an admin out, and their programs; raises ``AdminError`` where that must not be."""
    with changing(database, number) as (connection, admin):
        check_not_oneself(admin, actor)
        if admin.role is Role.NATIONAL and admin.disabled_at is None:
            check_another_national(connection, admin)
        connection.execute(
            "UPDATE admin SET disabled_at = coalesce(disabled_at, %s), sessions_since = %s WHERE id = %s",
            (now, now, number),
        )
        ended = tokens.end_all(connection, number, now)
        audit.record(connection, now, actor, "user.disable", f"user:{admin.name}", {"tokens_ended": ended})
    return admin


def enable(database: Database, number: int, *, now: datetime, actor: str) -> Admin:
    """Let an admin in again; raises ``AdminError``."""
    with changing(database, number) as (connection, admin):
        connection.execute("UPDATE admin SET disabled_at = NULL WHERE id = %s", (number,))
        audit.record(connection, now, actor, "user.enable", f"user:{admin.name}")
    return admin


def reset_password(database: Database, number: int, *, now: datetime, actor: str) -> str:
    """Give an admin a generated password and return it: it is kept nowhere. Their tokens end. Raises ``AdminError``.

    One's own is changed with the old one, see ``signing_in.change_password``.
    """
    password = generated_password()
    hashed = passwords.hashed(password)
    with changing(database, number) as (connection, admin):
        check_not_oneself(admin, actor)
        connection.execute(
            "UPDATE admin SET password_hash = %s, sessions_since = %s WHERE id = %s", (hashed, now, number)
        )
        ended = tokens.end_all(connection, number, now)
        audit.record(connection, now, actor, "user.reset-password", f"user:{admin.name}", {"tokens_ended": ended})
    return password


def remove_totp(database: Database, number: int, *, now: datetime, actor: str) -> Admin:
    """Take away the one-time passwords of an admin who has lost their telephone; raises ``AdminError``."""
    with changing(database, number) as (connection, admin):
        check_not_oneself(admin, actor)
        connection.execute(
            "UPDATE admin SET totp_sealed = NULL, totp_confirmed_at = NULL, totp_last_step = NULL, sessions_since = %s "
            "WHERE id = %s",
            (now, number),
        )
        audit.record(connection, now, actor, "user.remove-totp", f"user:{admin.name}")
    return admin


def end_sessions(database: Database, number: int, *, now: datetime, actor: str) -> Admin:
    """End all sessions of an admin, who may sign in again; raises ``AdminError``."""
    with changing(database, number) as (connection, admin):
        connection.execute("UPDATE admin SET sessions_since = %s WHERE id = %s", (now, number))
        audit.record(connection, now, actor, "user.end-sessions", f"user:{admin.name}")
    return admin


@contextmanager
def changing(database: Database, number: int) -> Iterator[tuple[psycopg.Connection[Any], Admin]]:
    """A transaction in which the admin is nobody else's to change."""
    with database.transaction() as connection:
        # All national ones, in one order: of two who shut each other out, one waits, and then is no longer let.
        connection.execute(
            "SELECT id FROM admin WHERE id = %s OR role = %s ORDER BY id FOR UPDATE", (number, Role.NATIONAL)
        )
        row = connection.execute(f"{accounts.ADMIN} WHERE id = %s".encode(), (number,)).fetchone()
        if row is None:
            raise AdminError("There is no such user.")
        yield connection, accounts.admin_of(row)


def check_not_oneself(admin: Admin, actor: str) -> None:
    """Raise ``AdminError`` where an admin would change themselves."""
    if admin.name.lower() == actor.lower():
        raise AdminError("You cannot do this to yourself.")


def check_another_national(connection: psycopg.Connection[Any], admin: Admin) -> None:
    """Raise ``AdminError`` where no national admin would be left who may sign in."""
    others = connection.execute(
        "SELECT 1 FROM admin WHERE role = %s AND disabled_at IS NULL AND id <> %s LIMIT 1", (Role.NATIONAL, admin.id)
    ).fetchone()
    if others is None:
        raise AdminError("The last national admin stays: somebody of the ministry must be able to sign in.")
