"""The id by which a request is known, in the answer and in the log."""

from __future__ import annotations

import secrets
from typing import Final

from flask import g, request

#: The header that carries it, in and out.
HEADER: Final = "X-Request-Id"
_LONGEST: Final = 64


def request_id() -> str:
    """The id of this request: the caller's ``X-Request-Id`` if it is a plain one, else made here.

    Neither can be somebody's NIK or number, since logs hold it: it has a letter, and ours one in front.
    """
    known: str | None = g.get("request_id")
    if known is None:
        given = request.headers.get(HEADER, "")
        letters = given.replace("-", "")
        plain = given.isascii() and letters.isalnum() and not letters.isdecimal() and len(given) <= _LONGEST
        known = g.request_id = given if plain else f"r{secrets.token_hex(8)}"
    return known
