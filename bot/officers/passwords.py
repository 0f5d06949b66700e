"""Passwords as argon2id hashes: what hashing one costs, whether one is right, whether its hash is of an older day."""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

#: Three passes over 64 MiB in four lanes: what RFC 9106 recommends where memory is not plenty. Tests put a cheaper one here.
hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)


def hashed(password: str) -> str:
    """What is kept of a password."""
    return hasher.hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """Whether that is the password of which ``kept`` was made. None, for nobody: never, and it takes as long."""
    try:
        return hasher.verify(_nobodys(hasher) if kept is None else kept, password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_dated(kept: str) -> bool:
    """Whether it was made at another cost than today's, so that it should be made again."""
    return hasher.check_needs_rehash(kept)


@lru_cache(maxsize=1)
def _nobodys(by: PasswordHasher) -> str:
    return by.hash("nobody has this password")
