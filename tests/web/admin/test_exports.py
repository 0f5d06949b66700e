"""Downloads: what a spreadsheet makes of them, however nasty their cells, and that they are made bit by bit."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from flask import Response

from bot.web.admin import exports
from bot.web.admin.exports import csv_response, table_response, xlsx_response

_NASTY = ["=1+1", "+6281200000001", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]
_NAMESPACE = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def _table(answer: Response) -> list[list[str]]:
    text = answer.get_data().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def _sheet(answer: Response) -> tuple[ElementTree.Element, str]:
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    return ElementTree.fromstring(sheet), sheet


def test_csv_is_what_excel_opens() -> None:
    answer = csv_response("districts", ["Code", "Name"], [["3273", "Kota Bandung"], ["9471", 'Jayapura, "Kota"']])
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="districts.csv"'
    assert answer.get_data().startswith(b"\xef\xbb\xbf")
    assert _table(answer) == [["Code", "Name"], ["3273", "Kota Bandung"], ["9471", 'Jayapura, "Kota"']]


@pytest.mark.parametrize("text", _NASTY)
def test_what_looks_like_a_formula_stays_a_text_in_csv(text: str) -> None:
    assert _table(csv_response("x", [text], [[text]])) == [[f"'{text}"], [f"'{text}"]]


def test_numbers_dates_and_nothing_in_csv() -> None:
    row = [-5, Decimal("-0.5"), None, date(2021, 1, 14), datetime(2021, 1, 13, 11, 30, tzinfo=UTC), True]
    assert _table(csv_response("x", ["a"], [row]))[1] == [
        *("-5", "-0.5", "", "2021-01-14", "2021-01-13 11:30:00+00:00", "True")
    ]


def test_xlsx_holds_strings_and_numbers_and_no_formula() -> None:
    answer = xlsx_response("people", ["Text", "Number", "Share"], [[text, -5, Decimal("0.25")] for text in _NASTY])
    assert answer.headers["Content-Type"] == exports.XLSX_TYPE
    tree, raw = _sheet(answer)
    assert "<f>" not in raw
    rows = tree.findall(".//x:row", _NAMESPACE)[1:]
    assert len(rows) == len(_NASTY)
    for row, text in zip(rows, _NASTY, strict=True):
        cells = row.findall("x:c", _NAMESPACE)
        assert [cell.get("t") for cell in cells] == ["inlineStr", None, None]
        shown = cells[0].findtext(".//x:t", namespaces=_NAMESPACE)
        assert (shown or "").replace("_x000D_", "\r") == text
        assert [cell.findtext("x:v", namespaces=_NAMESPACE) for cell in cells[1:]] == ["-5", "0.25"]


def test_xlsx_survives_control_characters_and_endless_cells() -> None:
    tree, _ = _sheet(xlsx_response("x", ["a"], [["a\x00b\x0b\ufffec"], ["x" * 40_000], [None]]))
    shown = ["".join(cell.itertext()) for cell in tree.findall(".//x:c", _NAMESPACE)]
    assert shown[1] == "abc"
    assert len(shown[2]) == 32_767


def test_csv_leaves_while_it_is_made() -> None:
    read: list[int] = []

    def rows() -> Iterator[list[int]]:
        for number in range(100_000):
            read.append(number)
            yield [number]

    body = iter(csv_response("x", ["n"], rows()).response)
    assert next(body)
    assert len(read) < 1_000


def test_no_more_than_excel_can_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MOST_ROWS", 1_000)
    rows = ([number] for number in range(5_000))
    assert len(_table(csv_response("x", ["n"], rows))) == 1_001


def test_the_name_cannot_leave_its_header() -> None:
    answer = table_response("csv", 'a"\r\nX-Evil: 1/../b', ["n"], [])
    assert re.fullmatch(r'attachment; filename="[A-Za-z0-9._-]+"', answer.headers["Content-Disposition"])
    with pytest.raises(LookupError):
        table_response("exe", "x", ["n"], [])
