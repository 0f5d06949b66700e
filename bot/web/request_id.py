"""The id by which a request is known, in the answer and in the log."""

from __future__ import annotations

import secrets
from typing import Final

from flask import g, request

#: The header that carries it, in and out.
HEADER: Final = "X-Request-Id"
_LONGEST: Final = 64
_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")


def request_id() -> str:
    """The id of this request: the caller's ``X-Request-Id`` if it is a plain one, else made here.

    Logs hold it, and nobody's NIK or number may be there, nor what looks like one: ours has no digit, a caller's is no number.
    """
    known: str | None = g.get("request_id")
    if known is None:
        given = request.headers.get(HEADER, "")
        letters = given.replace("-", "")
        plain = given.isascii() and letters.isalnum() and not letters.isdecimal() and len(given) <= _LONGEST
        known = g.request_id = given if plain else secrets.token_hex(8).translate(_LETTERS)
    return known
