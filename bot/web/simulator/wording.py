"""The page's own words, in the languages it speaks: one file each, read by the page's template and by its scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from flask import Request

#: The first one is spoken where nothing else is asked for.
LANGUAGES: Final = ("id", "en")
#: Remembers the choice of a language; the page's scripts write it.
COOKIE: Final = "simulator-language"
_FILES: Final = Path(__file__).parent / "static" / "words"


def language_of(request: Request) -> str:
    """The language of a request: asked for in its address, chosen before, or preferred by its browser."""
    for wish in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if wish in LANGUAGES:
            return str(wish)
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


@cache
def words_of(language: str) -> Mapping[str, str]:
    """All of the page's words in one of ``LANGUAGES``, by their keys."""
    found: dict[str, str] = json.loads((_FILES / f"{language}.json").read_text("utf-8"))
    return found
