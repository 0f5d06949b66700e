"""Phone numbers: from every spelling on a roster to E.164, masked for the eye, and whose prefix they bear.

E.164 is the only form kept and compared. A number on a roster must be able to get SMS.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType, ValidationResult

HOME_REGION: Final = "ID"
"""The region of numbers that are written without a country code."""

_HOME_CODE: Final = 62
_E164: Final = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
_MANY_E164: Final = re.compile(r"(?:\+[1-9][0-9]{7,14},)+", re.ASCII)

#: A mobile number of digits alone, and in a group what ``in_e164`` takes. Nearly every row of a roster has one; to know it by
#: this takes 1 microsecond instead of the library's 60.
PLAIN_MOBILE: Final = r"(?:\+?62|0)?(8[1-35-9][0-9]{7,10})"
_PLAIN_MOBILE: Final = re.compile(PLAIN_MOBILE)
# Indonesian mobile numbers begin with 8 and have 9 to 12 digits without the trunk prefix; the library's looser
# "possible" also takes what is left of a number that lost digits, or a foreign one that lost its plus sign.
_SHORTEST_MOBILE: Final = 9
_LONGEST_MOBILE: Final = 12

_SCIENTIFIC: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
_WHOLE_DECIMAL: Final = re.compile(r"\+?[0-9]{7,}\.0")
_BETWEEN_NUMBERS: Final = re.compile(r"[0-9][^0-9]*[/,;&|+\n]")
_SEPARATORS: Final = frozenset(" -.()/‐‑‒–—―−－（）．\t")
_LONGEST_SPELLING: Final = 60
_MOST_DIGITS: Final = 20

_GETS_SMS: Final = frozenset(
    {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.UNKNOWN},
)
_LENGTH_FAULTS: Final = {
    ValidationResult.TOO_SHORT: "has too few digits",
    ValidationResult.TOO_LONG: "has too many digits",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "has too few digits",
}

_PREFIXES: Final = {
    "Telkomsel": (811, 812, 813, 821, 822, 823, 851, 852, 853),
    "Indosat": (814, 815, 816, 855, 856, 857, 858),
    "XL": (817, 818, 819, 859, 877, 878),
    "AXIS": (831, 832, 833, 838),
    "Tri": (895, 896, 897, 898, 899),
    "Smartfren": (881, 882, 883, 884, 885, 886, 887, 888, 889),
}
_OPERATORS: Final = {
    f"+{_HOME_CODE}{prefix}": operator for operator, prefixes in _PREFIXES.items() for prefix in prefixes
}


class NotAPhone(ValueError):
    """A text is no phone number that gets SMS. `reason` says why in plain words, without repeating the text."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the phone number {reason}")
        self.reason = reason


def parse_phone(text: str) -> str:
    """The E.164 form of a phone number in any Indonesian spelling, or of any country when written with a plus sign.

    Raises NotAPhone for everything else: too short or long, a fixed line or another number that gets no SMS, several
    numbers, letters, and what spreadsheets make of numbers (a leading apostrophe, scientific notation).
    """
    return plain_mobile(text) or plain_mobile(text.replace("-", "").replace(" ", "")) or _parse_with_library(text)


def plain_mobile(text: str) -> str | None:
    """The E.164 form of an Indonesian mobile number of digits alone, as `parse_phone` gives it; None for anything else."""
    plain = _PLAIN_MOBILE.fullmatch(text)
    return in_e164(plain[1]) if plain is not None else None


def in_e164(national: str) -> str:
    """The E.164 form of an Indonesian number without its trunk prefix."""
    return f"+{_HOME_CODE}{national}"


def is_e164(text: str) -> bool:
    """Whether `text` is, to the letter, an E.164 number: a plus sign and 8 to 15 ASCII digits."""
    return _E164.fullmatch(text) is not None


def are_e164(texts: Sequence[str]) -> bool:
    """Whether all of many texts are E.164 numbers. Looked at as one text: one by one takes twice as long."""
    together = ",".join([*texts, ""])
    return together.count(",") == len(texts) and (not texts or _MANY_E164.fullmatch(together) is not None)


def mask_phone(e164: str) -> str:
    """A number of which country, first and last three digits show: "+62812*****890".

    Of short numbers less shows, so that at least three digits are hidden; what is no E.164 number is hidden wholly.
    """
    if not is_e164(e164):
        return "*" * 8
    code = _country_code(e164)
    national = e164[len(code) :]
    hidden = max(3, len(national) - 6)
    last = min(3, len(national) - hidden)
    first = len(national) - hidden - last
    return f"{code}{national[:first]}{'*' * hidden}{national[len(national) - last :]}"


def operator_of(e164: str) -> str | None:
    """The Indonesian operator to whom the number's prefix was given, or None. (A number may have been ported since.)"""
    return _OPERATORS.get(e164[:6])


def _parse_with_library(text: str) -> str:
    """What `parse_phone` promises, for every spelling; agrees with its short cut where that answers."""
    digits, international = _read_digits(text)
    if not international and digits.startswith("0062"):
        digits, international = digits[2:], True
    elif not international and digits.startswith("00"):
        raise NotAPhone("starts with 00: write + and the country code")
    elif not international and digits.startswith("62"):
        # Left to itself the library reads some of these as fixed lines of the area code 062x.
        international = True
    try:
        number = phonenumbers.parse(f"+{digits}" if international else digits, HOME_REGION)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            raise NotAPhone("starts with no country code that exists") from None
        long = error.error_type == phonenumbers.NumberParseException.TOO_LONG
        raise NotAPhone("has too many digits" if long else "has too few digits") from None
    return _that_gets_sms(number)


def _read_digits(text: str) -> tuple[str, bool]:
    """The digits of a written phone number, as ASCII, and whether a plus sign stands before them."""
    # Numbers copied from a chat or a contact list come wrapped in invisible marks.
    spelling = "".join(character for character in text if unicodedata.category(character) != "Cf").strip()
    if not spelling:
        raise NotAPhone("is empty")
    if len(spelling) > _LONGEST_SPELLING:
        raise NotAPhone("is too long a text to be a number")
    if spelling[0] in "'’`":
        raise NotAPhone("starts with an apostrophe, as Excel marks text: save the column as text without it")
    if _SCIENTIFIC.fullmatch(spelling):
        raise NotAPhone("is in scientific notation, so its last digits may be lost: format the column as text")
    if _WHOLE_DECIMAL.fullmatch(spelling):
        spelling = spelling.removesuffix(".0")
    digits: list[str] = []
    international = False
    for character in spelling:
        digit = unicodedata.decimal(character, None)
        if digit is not None:
            digits.append(str(digit))
        elif character in "+＋" and not digits and not international:
            international = True
        elif character not in _SEPARATORS and not character.isspace():
            raise NotAPhone(_strange(spelling, character))
    if not digits:
        raise NotAPhone("has no digits")
    if len(digits) > _MOST_DIGITS:
        raise NotAPhone("is more than one number" if _BETWEEN_NUMBERS.search(spelling) else "has too many digits")
    return "".join(digits), international


def _strange(spelling: str, character: str) -> str:
    """What to say about a character that has no place in a phone number."""
    if _BETWEEN_NUMBERS.search(spelling):
        return "is more than one number"
    return "has letters in it" if character.isalpha() else "has signs in it that phone numbers do not have"


def _that_gets_sms(number: phonenumbers.PhoneNumber) -> str:
    """The E.164 form of `number`; raises NotAPhone if no SMS can reach it."""
    validity = phonenumbers.is_possible_number_with_reason(number)
    if validity != ValidationResult.IS_POSSIBLE:
        raise NotAPhone(_LENGTH_FAULTS.get(validity, "has a number of digits that its country does not use"))
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.FIXED_LINE:
        raise NotAPhone("is a fixed line, which gets no SMS")
    if kind not in _GETS_SMS:
        raise NotAPhone("is a service number, which gets no SMS")
    e164: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if number.country_code == _HOME_CODE:
        return _home_mobile(e164.removeprefix(f"+{_HOME_CODE}"))
    if not is_e164(e164):
        raise NotAPhone("has a number of digits that its country does not use")
    return e164


def _home_mobile(national: str) -> str:
    """The E.164 form of a possible Indonesian number, given without its country code; raises NotAPhone if no mobile."""
    # The library leaves the trunk prefix of a number that is too short without it.
    mobile = national.lstrip("0")
    if not mobile.startswith("8"):
        raise NotAPhone("is no Indonesian mobile number (one of another country starts with + and its code)")
    if not _SHORTEST_MOBILE <= len(mobile) <= _LONGEST_MOBILE:
        raise NotAPhone(f"has too {'few' if len(mobile) < _SHORTEST_MOBILE else 'many'} digits")
    return f"+{_HOME_CODE}{mobile}"


def _country_code(e164: str) -> str:
    """The plus sign and country code that `e164` starts with."""
    for length in (2, 3, 4):
        if int(e164[1:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return e164[:length]
    return e164[:2]
