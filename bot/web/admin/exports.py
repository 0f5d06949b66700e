"""Downloads of a table as CSV or XLSX: bounded, sent as it is made, and with no cell that a spreadsheet takes for a formula.

    return csv_response("districts", ["Code", "District"], rows)

``rows`` may be a generator: it is read while the answer leaves, so it must not need the request any more.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import IO, Final

import xlsxwriter
from flask import Response

#: Rows of a download at most: what Excel can open, less its header.
MOST_ROWS: Final = 1_048_575
#: Rows of CSV that leave together, and bytes of XLSX.
_ROWS_AT_ONCE: Final = 500
_BYTES_AT_ONCE: Final = 64 * 1024
#: Characters of a cell at most, which is what Excel holds.
_LONGEST_CELL: Final = 32_767
#: With these a spreadsheet takes a text for a formula; some read the wide signs of East Asia as the narrow ones.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
#: Control characters that no XML, and so no XLSX, may hold.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

CSV_TYPE: Final = "text/csv; charset=utf-8"
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv_response(name: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The download ``<name>.csv``: UTF-8 with the mark by which Excel knows it; a text like a formula gets an apostrophe."""
    return _download(_csv(headers, rows), f"{name}.csv", CSV_TYPE)


def xlsx_response(name: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The download ``<name>.xlsx``: numbers are numbers, everything else is text. It is made in a file, not in memory."""
    # Closed, and so deleted, once it has been sent or the reader has gone.
    file = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        _write_xlsx(file, headers, rows)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    answer = _download(iter(lambda: file.read(_BYTES_AT_ONCE), b""), f"{name}.xlsx", XLSX_TYPE)
    answer.call_on_close(file.close)
    return answer


def table_response(kind: str, name: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The download of a kind, ``csv`` or ``xlsx``; raises ``LookupError`` for another."""
    return {"csv": csv_response, "xlsx": xlsx_response}[kind](name, headers, rows)


def _download(body: Iterable[bytes], file_name: str, media_type: str) -> Response:
    answer = Response(body, content_type=media_type)
    # Names are ours; whatever else a caller puts into one stays within the header.
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", file_name)
    answer.headers["Content-Disposition"] = f'attachment; filename="{safe}"'
    return answer


def _csv(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text)
    text.write("\ufeff")
    writer.writerow([_cell(header) for header in headers])
    bounded = islice(rows, MOST_ROWS)
    while True:
        some = list(islice(bounded, _ROWS_AT_ONCE))
        writer.writerows([_cell(value) for value in row] for row in some)
        yield text.getvalue().encode()
        if len(some) < _ROWS_AT_ONCE:
            return
        text.seek(0)
        text.truncate()


def _write_xlsx(file: IO[bytes], headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    # ``constant_memory`` keeps one row in memory, the others in a file of its own.
    workbook = xlsxwriter.Workbook(file, {"constant_memory": True})
    sheet = workbook.add_worksheet()
    bold = workbook.add_format({"bold": True})
    sheet.freeze_panes(1, 0)
    for column, header in enumerate(headers):
        sheet.write_string(0, column, _text(header), bold)
        sheet.set_column(column, column, min(40, max(12, len(header) + 2)))
    for number, row in enumerate(islice(rows, MOST_ROWS), start=1):
        for column, value in enumerate(row):
            if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
                sheet.write_number(number, column, float(value) if isinstance(value, Decimal) else value)
            elif value is not None:
                sheet.write_string(number, column, _text(value))
    workbook.close()


def _cell(value: object) -> object:
    """A cell of CSV: numbers as they are, texts so that nothing is carried out."""
    if value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool)):
        return value
    text = _text(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat("minutes")
    return _CONTROL.sub("", str(value))[:_LONGEST_CELL]
