"""Importing districts, facilities, the roster and vaccination sessions from CSV and XLSX files.

One pipeline serves all four: a ``Source`` reads rows of text, an ``Importer`` (one per kind of file) turns a row into
values or says what is wrong with it, ``Staging`` holds the rows in a temporary table, where set operations judge and
merge them.
"""

from bot.registration.importing.pipeline import import_file
from bot.registration.importing.progress import Progress, Step
from bot.registration.importing.report import Caution, ImportFailed, ImportReport, Kind, Rejections, Tally

__all__ = ["Caution", "ImportFailed", "ImportReport", "Kind", "Progress", "Rejections", "Step", "Tally", "import_file"]
