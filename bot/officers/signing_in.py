"""Signing in: a name and a password, a one-time password where there is one, and how often that may be tried."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

import pyotp

from bot.crypto import Vault
from bot.db import audit
from bot.db.database import Database
from bot.officers import accounts, passwords
from bot.officers.accounts import Admin

#: Steps of 30 s by which a telephone's clock may be wrong.
_STEPS_APART = 1
_STEP_SECONDS = 30
#: What a sealed TOTP secret is bound to.
_PURPOSE = "totp"


class Refused(enum.Enum):
    """Why somebody is not let in. Which of name and password is wrong is never told."""

    WRONG = enum.auto()
    CODE_WANTED = enum.auto()
    CODE_WRONG = enum.auto()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has signed in."""

    admin: Admin


def sign_in(
    database: Database, vault: Vault, name: str, password: str, code: str, *, now: datetime
) -> SignedIn | Refused:
    """Let an admin in, or not. Both are in the audit log; a wrong name is not written down, it may be a password."""
    admin = accounts.find(database, name)
    row = None
    if admin is not None and admin.disabled_at is None:
        row = database.row(
            "SELECT password_hash, totp_sealed, totp_confirmed_at, totp_last_step FROM admin WHERE id = %s", (admin.id,)
        )
    if not _is_right(None if row is None else row[0], password) or admin is None or row is None:
        _record(database, admin, "user.refused", now)
        return Refused.WRONG
    if row[2] is not None:
        if not code.strip():
            return Refused.CODE_WANTED
        step = matching_step(vault.open(row[1], _PURPOSE), code, now)
        if step is None or not _use(database, admin.id, step):
            _record(database, admin, "user.refused", now)
            return Refused.CODE_WRONG
    if passwords.is_dated(row[0]):
        database.rows("UPDATE admin SET password_hash = %s WHERE id = %s", (passwords.hashed(password), admin.id))
    database.rows("UPDATE admin SET last_sign_in_at = %s WHERE id = %s", (now, admin.id))
    _record(database, admin, "user.sign-in", now)
    return SignedIn(admin)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The 30 s step whose one-time password ``code`` is, if it is near ``now``; None if it is none."""
    digits = "".join(character for character in code if character.isdigit() and character.isascii())
    totp = pyotp.TOTP(secret, interval=_STEP_SECONDS)
    here = int(now.timestamp()) // _STEP_SECONDS
    for step in range(here - _STEPS_APART, here + _STEPS_APART + 1):
        if pyotp.utils.strings_equal(totp.at(step * _STEP_SECONDS), digits):
            return step
    return None


def new_secret() -> str:
    """A secret for an app that makes one-time passwords, base32."""
    return pyotp.random_base32()


def address_of(secret: str, name: str) -> str:
    """What such an app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="Balas")


def keep_secret(database: Database, vault: Vault, admin: Admin, secret: str, code: str, *, now: datetime) -> bool:
    """Put one-time passwords in force for an admin who has just shown one of them, and end their other sessions.

    False if it is wrong.
    """
    step = matching_step(secret, code, now)
    if step is None:
        return False
    with database.transaction() as connection:
        connection.execute(
            "UPDATE admin SET totp_sealed = %s, totp_confirmed_at = %s, totp_last_step = %s, sessions_since = %s WHERE id = %s",
            (vault.seal(secret, _PURPOSE), now, step, now, admin.id),
        )
        audit.record(connection, now, admin.name, "user.totp", f"user:{admin.name}")
    return True


def change_password(database: Database, admin: Admin, old: str, new: str, *, now: datetime) -> bool:
    """Give an admin another password and end their other sessions; False if the old one is wrong.

    Raises ``AdminError`` for a new one that is too short.
    """
    if not is_password_of(database, admin, old):
        return False
    accounts.check_password(new)
    with database.transaction() as connection:
        connection.execute(
            "UPDATE admin SET password_hash = %s, sessions_since = %s WHERE id = %s",
            (passwords.hashed(new), now, admin.id),
        )
        audit.record(connection, now, admin.name, "user.password", f"user:{admin.name}")
    return True


def is_password_of(database: Database, admin: Admin, password: str) -> bool:
    """Whether that is the admin's password."""
    hashed: str = database.value("SELECT password_hash FROM admin WHERE id = %s", (admin.id,))
    return _is_right(hashed, password)


def _is_right(hashed: str | None, password: str) -> bool:
    return len(password) <= accounts.LONGEST_PASSWORD and passwords.is_right(hashed, password)


def _use(database: Database, admin: int, step: int) -> bool:
    """Use up a one-time password; False if it, or a later one, was used before."""
    return bool(
        database.rows(
            "UPDATE admin SET totp_last_step = %(step)s WHERE id = %(admin)s "
            "AND (totp_last_step IS NULL OR totp_last_step < %(step)s) RETURNING id",
            {"step": step, "admin": admin},
        )
    )


def _record(database: Database, admin: Admin | None, action: str, now: datetime) -> None:
    with database.transaction() as connection:
        name = "nobody" if admin is None else admin.name
        audit.record(connection, now, name, action, f"user:{name}")
