"""Readers of what people type: each gives a value, or None (a closed set for dates) when the text is no such thing.

They know no flow and no domain. They take what phones really send: any case, stray words and punctuation, digits of
other scripts, emoji, NULs, nothing at all; they never raise, and take time in proportion to the length of the text.
"""

from bot.conversation.readers.answers import read_choice, read_yes_no
from bot.conversation.readers.dates import Date, DateReading, Impossible, NotADate, read_date
from bot.conversation.readers.words import read_digits, read_keyword, read_search

__all__ = [
    "Date",
    "DateReading",
    "Impossible",
    "NotADate",
    "read_choice",
    "read_date",
    "read_digits",
    "read_keyword",
    "read_search",
    "read_yes_no",
]
