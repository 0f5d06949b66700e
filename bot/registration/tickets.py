"""Ticket codes: six characters that survive being read over the phone.

Five characters at random and a check character, from an alphabet of 29 without look-alikes (no 0/O, 1/I, 5/S, 8/B, 2/Z
pairs). 29 is prime, so the weighted sum catches every single wrong character and every swap of two neighbours.
"""

from __future__ import annotations

import secrets

ALPHABET = "23456789ACDEFGHJKLMNPQRTUVWXY"
LENGTH = 6
_BASE = len(ALPHABET)
_WEIGHTS = (2, 3, 4, 5, 6)


def _check(body: str) -> str:
    total = sum(weight * ALPHABET.index(character) for weight, character in zip(_WEIGHTS, body, strict=True))
    return ALPHABET[-total % _BASE]


def new_ticket() -> str:
    """A fresh code. The database's UNIQUE constraint has the last word."""
    number = secrets.randbelow(_BASE ** len(_WEIGHTS))
    body = ""
    for _ in _WEIGHTS:
        number, digit = divmod(number, _BASE)
        body += ALPHABET[digit]
    return body + _check(body)


def is_ticket(text: str) -> bool:
    """Whether ``text`` is a well-formed code (capital letters)."""
    return len(text) == LENGTH and all(c in ALPHABET for c in text) and _check(text[:-1]) == text[-1]
