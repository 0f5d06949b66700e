"""The words of the command room: written in English in the code, shown in the admin's language.

Translations stand in ``locales/<language>/<section>.po``, read as they are; a test holds that none is missing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po
from flask import g, has_request_context, request, session

_LOCALES: Final = Path(__file__).parent / "locales"
#: The languages, and what each calls itself. The first is for those who have said nothing.
LANGUAGES: Final = {"id": "Bahasa Indonesia", "en": "English"}
DEFAULT: Final = "id"


@cache
def catalog(language: str) -> dict[str, str]:
    """The translations into a language, of all sections."""
    messages: dict[str, str] = {}
    for path in sorted((_LOCALES / language).glob("*.po")):
        with path.open("rb") as file:
            messages |= {str(entry.id): str(entry.string) for entry in read_po(file) if entry.id and entry.string}
    return messages


def language() -> str:
    """The language of this request: the admin's, else what the browser chose here, else what it prefers."""
    if not has_request_context():
        return DEFAULT
    known: str | None = g.get("language")
    if known is None:
        admin = g.get("admin")
        chosen = admin.language if admin is not None else session.get("language")
        known = g.language = chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES, DEFAULT)
    return str(known)


def say(text: str, /, **values: object) -> str:
    """A text in the language of this request, ``{names}`` in it filled in."""
    spoken = catalog(language()).get(text, text) if language() != "en" else text
    return spoken.format(**values) if values else spoken


def mark(text: str) -> str:
    """Mark a text for translation (``_`` where it is used) that is said later."""
    return text
