"""What the layers below say is wrong, told in the language of the page.

They say it in English, in sentences of a closed set, and reports of uploads keep it so. Here stand these sentences, each with
holes for what differs: the one that fits a text is found, and said anew with what stood in its holes. A test goes through
what those layers can say and holds that none is missing here.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from string import Formatter
from typing import Final

from bot.web.admin import gateway_faults
from bot.web.admin.formats import number
from bot.web.admin.words import mark, say

_ = mark

_CELLS: Final = (
    _("is empty"),
    _("is longer than {n} characters"),
    _("has characters that are not UTF-8: save the file as CSV UTF-8"),
    _("has control characters in it"),
    _("has no letter in it"),
    _("has a space in it"),
    _("is not a date written YYYY-MM-DD, such as 1985-08-17"),
    _("is not a day of the calendar"),
    _("is not a time written HH:MM, such as 08:00"),
    _("is not a time of the day"),
    _("is not a whole number from {lowest} to {highest}"),
    _("is not {n} digits"),
    _("is not {n} digits: it has letters or signs in it"),
    _("is not {n} digits: it has {many}"),
    _("starts with 0, which no region does"),
    _("ends in 0000, which no NIK does"),
    _("Excel has destroyed this number: format the column as text, enter it again and export"),
    _("is neither M nor F"),
    _("lies in the future"),
    _("is more than {n} years ago"),
    _("is not after the start"),
    _("is not the IANA name of a time zone, such as Asia/Jakarta"),
    _("is not a time zone that PostgreSQL knows"),
    _("is not the code of a known {what}"),
    _("is {key} as on line {line}"),
    _("the same NIK"),
    _("the same code"),
    _("the same facility, dose, date and start"),
    _("is {capacity}, below the {taken} places already taken"),
    _("has more cells than the header: a cell that holds the separator needs quotation marks"),
    _("has a quotation mark in a wrong place"),
    _("{fault} (the row goes on to line {line}: is a quotation mark missing?)"),
)
_PHONES: Final = (
    _("starts with 00: write + and the country code"),
    _("starts with no country code that exists"),
    _("has too many digits"),
    _("has too few digits"),
    _("is too long a text to be a number"),
    _("starts with an apostrophe, as Excel marks text: save the column as text without it"),
    _("is in scientific notation, so its last digits may be lost: format the column as text"),
    _("has no digits"),
    _("is more than one number"),
    _("has letters in it"),
    _("has signs in it that phone numbers do not have"),
    _("has a number of digits that its country does not use"),
    _("is a fixed line, which gets no SMS"),
    _("is a service number, which gets no SMS"),
    _("is no Indonesian mobile number (one of another country starts with + and its code)"),
)
_FILES: Final = (
    _("The file {fault}."),
    _("The worker that read it stopped, several times. Split the file."),
    _("The file is not there any more. Upload it again."),
    _("cannot be read: {why}"),
    _("could not be read to its end by a second process, or has changed: try again"),
    _("it is damaged"),
    _("is not a file on a disk"),
    _("is an Excel workbook of the old kind (.xls) or with a password: save it as XLSX without one"),
    _("is neither CSV nor XLSX (if it is UTF-16, save it as CSV UTF-8)"),
    _("is not UTF-8: save it as CSV UTF-8"),
    _("has a quotation mark on line {line} that is not closed before line {last}"),
    _("is not CSV: a line has more than {n} characters"),
    _("is a workbook without a sheet"),
    _("is not a workbook that can be read: save it again as XLSX, or as CSV UTF-8"),
    _("unpacks to far more than a list can be: save it again as XLSX, or as CSV UTF-8"),
    _("has more parts than a workbook can have: save it again as XLSX, or as CSV UTF-8"),
    _("needs more columns: {names}; it has: {there}"),
    _("has in its header more than once: {names}"),
    _("an empty first row"),
    _("a leading apostrophe was taken off"),
    _("birth_date is not the one that the NIK states"),
    _("sex is not the one that the NIK states"),
    _("province_code is not how the district's code begins"),
    _("the date lies in the past"),
    _("phone was not put back: its owner has since replaced it by one of their own"),
    _("only the sheet {name} was read, of {n}"),
    _("columns that were ignored: {names}"),
)
_CAMPAIGNS: Final = (
    _("A campaign's name has 1 to {n} printable characters, no space at its ends."),
    _("Names that begin with {names} belong to what the clock sends by itself."),
    _("reminder or second notice"),
    _("The gateway must be one of {there}, not {name}."),
    _("The gateway {name} cannot send: {missing} must be set."),
    _("The rate is a number of messages a second, above 0."),
    _("The most that a campaign may cost must be above 0."),
    _("The start is over already."),
    _("The deadline must be after the start."),
    _("A campaign needs a text in the language {language}."),
    _("{code} is no language's code."),
    _("Text in {language}: {fault}"),
    _("the text is empty"),
    _("the text has an unknown placeholder {name}; known are {known}"),
    _("the text has a brace that belongs to no placeholder; known are {known}"),
    _("the text takes at least {parts} SMS parts; at most {most} may be sent"),
    _("the text has characters that a plain SMS cannot carry{more}: leave them out"),
    _("there is no value for {name}"),
    _("Audience: {fault}"),
    _("Audience: there is no {what} {names}."),
    _('"{name}" must be a list of texts that is not empty'),
    _('"{name}" has {n} entries; at most {most} may be given'),
    _('"{name}" has a text with characters that cannot be kept'),
    _('"{name}" has no {value}; known are {known}'),
    _('"{name}" must be a number of hours'),
    _('"{name}": the {n}. is no phone number'),
    _("Nobody is in the audience of {name} who may be sent to; nothing has been sent."),
    _("The campaign {name} has {n} recipients by now; above {most} somebody else than who made it must approve it."),
    _("The campaign {name} is a draft: it must be approved first."),
    _("The campaign {name} is {state}; it has been started before."),
    _("The deadline of the campaign {name} is over."),
    _("There is a campaign {name} already; choose another name."),
    _("There is no campaign {name}; see: python -m bot campaign list"),
    _("The campaign {name} is cancelled; nothing of it can be sent again."),
    _("{name} reminded at its hour and is not sent again; leave its unknown messages."),
    _("That is no phone number."),
    _("This form is too old. Load the page again."),
    _("That number has opted out of messages."),
    _("You have sent many tests within the hour. Wait a while."),
)
#: What Werkzeug says by itself of a request that no page of ours makes.
_REQUESTS: Final = (
    _("The browser (or proxy) sent a request that this server could not understand."),
    _(
        "A conflict happened while processing the request. The resource might have been modified while the request was "
        "being processed."
    ),
)
#: Single words that stand in the holes.
_WORDS: Final = (
    *(_("district"), _("province"), _("facility"), _("campaign"), _("id"), _("en")),
    *(_("draft"), _("approved"), _("running"), _("paused"), _("finished"), _("cancelled")),
    *(_("districts"), _("provinces"), _("facilities"), _("professions"), _("states"), _("stopped_at"), _("languages")),
    *(_("silent_for_hours"), _("outcome"), _("phones")),
)
_ALL: Final = frozenset((*_CELLS, *_PHONES, *_FILES, *_CAMPAIGNS, *_REQUESTS, *_WORDS, *gateway_faults.SENTENCES))
#: As the layers below write numbers of more than three digits.
_LARGE: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")


def told(text: str) -> str:
    """A text from below in the language of this request; one that is none of the sentences stays as it is."""
    found = _found(text)
    if found is None:
        return number(int(text.replace(",", ""))) if _LARGE.fullmatch(text) else text
    sentence, holes = found
    return say(sentence, **{name: told(said) for name, said in holes}) if holes else say(sentence)


def is_known(text: str) -> bool:
    """Whether a text is one of the sentences."""
    return _found(text) is not None


@lru_cache(maxsize=1024)
def _found(text: str) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """The sentence that a text is, and what stands in its holes."""
    if text in _ALL:
        return text, ()
    for sentence, pattern in _patterns():
        if match := pattern.fullmatch(text):
            return sentence, tuple(match.groupdict().items())
    return None


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """The sentences with holes, those first that say most by themselves."""
    made = []
    for sentence in _ALL:
        pieces = [(literal, name) for literal, name, _spec, _conversion in Formatter().parse(sentence)]
        if any(name for _literal, name in pieces):
            pattern = "".join(re.escape(literal) + (f"(?P<{name}>.*?)" if name else "") for literal, name in pieces)
            made.append((sum(len(literal) for literal, _name in pieces), sentence, re.compile(pattern, re.DOTALL)))
    return [(sentence, pattern) for _said, sentence, pattern in sorted(made, key=lambda each: (-each[0], each[1]))]
