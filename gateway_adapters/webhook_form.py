"""The fields of a webhook, read strictly: what comes out is fit for PostgreSQL and for the rest of the service.

The faults are told in plain words that name the field and never repeat what it held.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.phone import is_e164
from gateway_adapters.base import BadRequest

#: Characters. Providers' ids are 20 to 50 long.
LONGEST_ID = 128
#: Characters. The longest chain of SMS parts holds some 39,000; people do not write them.
LONGEST_TEXT = 10_000
_LONGEST_WORD = 64
_CODE = re.compile(r"[A-Za-z_]{1,40}")


def fit_for_storing(text: str) -> str:
    """``text`` without NUL and without halves of characters, neither of which PostgreSQL takes."""
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def phone_from(spelling: str) -> str | None:
    """An E.164 number, also where a form decoder turned its "+" into a space; None if it is none."""
    phone = spelling.rstrip()
    if phone.startswith(" "):
        phone = "+" + phone.lstrip(" +")
    return phone if is_e164(phone) else None


def is_empty(body: bytes, name: bytes) -> bool:
    """Whether a form that has not been decoded holds a field of this name with nothing in it."""
    return name + b"=" in body.split(b"&")


class WebhookForm:
    """The decoded form fields of one webhook call."""

    def __init__(self, form: Mapping[str, str]) -> None:
        self._form = form

    def phone(self, name: str) -> str:
        """A field that must hold an E.164 number; raises ``BadRequest``."""
        phone = phone_from(self._required(name))
        if phone is None:
            raise BadRequest(f"{name} is no phone number: + and 8 to 15 digits")
        return phone

    def phone_or_none(self, name: str) -> str | None:
        """A field that may hold an E.164 number."""
        return phone_from(self._form.get(name, ""))

    def identifier(self, name: str) -> str:
        """A field that must hold 1 to ``LONGEST_ID`` printable characters; raises ``BadRequest``."""
        return self._checked(name, self._required(name).strip())

    def identifier_or_none(self, name: str) -> str | None:
        """The same for a field that may be empty or absent; raises ``BadRequest`` for one that is neither nor right."""
        given = self._form.get(name, "").strip()
        return self._checked(name, given) if given else None

    def text(self, name: str) -> str:
        """What a person wrote, as they wrote it, "" if absent; raises ``BadRequest`` beyond ``LONGEST_TEXT``."""
        text = fit_for_storing(self._form.get(name, ""))
        if len(text) > LONGEST_TEXT:
            raise BadRequest(f"{name} is longer than {LONGEST_TEXT} characters")
        return text

    def word(self, name: str) -> str:
        """A code or short text of the provider's, "" if absent: cut to what can be shown on a line."""
        given = self._form.get(name, "")
        if not given.isprintable():
            given = "".join(character for character in given if character.isprintable())
        return given.strip()[:_LONGEST_WORD]

    def code(self, name: str) -> str:
        """The same for a field that holds one of the provider's codes in letters: "" for anything that is none.

        Codes are repeated in reasons and shown, which what else a field may hold must not be.
        """
        word = self.word(name)
        return word if _CODE.fullmatch(word) else ""

    def required_word(self, name: str) -> str:
        """The same for a field that must be there; raises ``BadRequest``."""
        word = self.word(name)
        if not word:
            raise BadRequest(f"{name} is missing")
        return word

    def count(self, name: str) -> int:
        """A whole number of up to 6 digits, 0 where the field is absent or anything else."""
        digits = self._form.get(name, "").strip()
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 6 else 0

    def _required(self, name: str) -> str:
        given = self._form.get(name, "")
        if not given.strip():
            raise BadRequest(f"{name} is missing")
        return given

    def _checked(self, name: str, identifier: str) -> str:
        if not identifier.isprintable():
            raise BadRequest(f"{name} holds characters that cannot be printed")
        if len(identifier) > LONGEST_ID:
            raise BadRequest(f"{name} is longer than {LONGEST_ID} characters")
        return identifier
