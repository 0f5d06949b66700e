"""Messages in the languages of the people we talk to, from gettext catalogs (``.po``, read as they are)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Formatter

from babel.messages.pofile import read_po


def mark(message: str) -> str:
    """Mark a message for the catalogs (``_`` where it is used); it is translated when it is shown."""
    return message


class Catalogs:
    """The catalogs of a folder: ``<folder>/<language>/LC_MESSAGES/<domain>.po``."""

    def __init__(self, folder: Path, domain: str, *, default: str) -> None:
        self.default = default
        self.messages: dict[str, dict[str, str]] = {}
        for path in sorted(folder.glob(f"*/LC_MESSAGES/{domain}.po")):
            with path.open("rb") as file:
                catalog = read_po(file)
            self.messages[path.parent.parent.name] = {
                str(entry.id): str(entry.string) for entry in catalog if entry.id and entry.string
            }
        if default not in self.messages:
            raise FileNotFoundError(f"no catalog for the default language {default} in {folder}")

    @property
    def languages(self) -> list[str]:
        """The languages there are, the default first."""
        return sorted(self.messages, key=lambda language: (language != self.default, language))

    def translate(self, message: str, language: str) -> str:
        """The message in ``language``, else in the default one, else as it stands in the code."""
        catalog = self.messages.get(language)
        return (self.messages[self.default] if catalog is None else catalog).get(message, message)


@cache
def pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    """A template taken apart once: (text, name of the placeholder after it or None)."""
    return tuple((text, name) for text, name, _, _ in Formatter().parse(template))
