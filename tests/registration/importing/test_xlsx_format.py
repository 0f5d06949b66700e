"""What a workbook may look like inside, beyond what one library writes."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, from_excel

from bot.registration.importing.xlsx import Workbook
from bot.registration.importing.xlsx.formats import date_styles, date_text, number_text
from bot.registration.importing.xlsx.shared_strings import SharedStrings
from bot.registration.importing.xlsx.xml import Element

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

WORKBOOK = f"""<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">
<sheets><sheet name="Daftar" sheetId="1" r:id="rId1"/></sheets></workbook>"""
RELATIONSHIPS = f"""<Relationships>
<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>
<Relationship Id="rId2" Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/>
<Relationship Id="rId3" Type="{OFFICE}/styles" Target="styles.xml"/>
<Relationship Id="rId4" Type="{OFFICE}/hyperlink" Target="http://example.org/" TargetMode="External"/>
</Relationships>"""
STRINGS = f"""<sst xmlns="{MAIN}"><si><t>Siti</t></si>
<si><r><rPr><b/></rPr><t>Siti </t></r><r><t xml:space="preserve">Wulan </t></r><rPh sb="0" eb="1"><t>ignored</t></rPh></si>
<si><t>two_x000A_lines</t></si><si><t>_x005F_x000A_</t></si><si/></sst>"""
STYLES = f"""<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd;@"/></numFmts>
<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="20"/><xf/></cellXfs></styleSheet>"""


def package(sheet: str, **parts: str) -> io.BytesIO:
    """A workbook of which ``sheet`` is the inside of the only sheet."""
    content: Mapping[str, str] = {
        "_rels/.rels": f'<Relationships><Relationship Id="r" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": parts.get("workbook", WORKBOOK),
        "xl/_rels/workbook.xml.rels": RELATIONSHIPS,
        "xl/SharedStrings.xml": parts.get("strings", STRINGS),
        "xl/styles.xml": parts.get("styles", STYLES),
        "xl/worksheets/sheet1.xml": parts.get("document")
        or f'<worksheet xmlns="{MAIN}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return file


def rows(file: io.BytesIO) -> list[tuple[int, list[str]]]:
    workbook = Workbook(file)
    return list(workbook.rows(workbook.sheets[0]))


def cells(*texts: str) -> list[str]:
    """The text of a row of cells written in XML."""
    ((_, found),) = rows(package(f"<row>{''.join(texts)}</row>"))
    return found


def test_texts_are_found_by_number_joined_and_without_readings() -> None:
    assert cells(
        '<c t="s"><v>0</v></c>', '<c t="s"><v>1</v></c>', '<c t="s"><v>2</v></c>', '<c t="s"><v>3</v></c>'
    ) == [
        "Siti",
        "Siti Wulan ",
        "two\nlines",
        "_x000A_",
    ]


def test_texts_may_stand_in_the_sheet_itself() -> None:
    assert cells(
        '<c t="inlineStr"><is><t>Siti</t></is></c>',
        '<c t="inlineStr"><is><r><t>Si</t></r><r><t>ti</t></r><rPh><t>x</t></rPh></is></c>',
        '<c t="str"><f>UPPER("siti")</f><v>SITI</v></c>',
        '<c t="e"><v>#N/A</v></c>',
        '<c t="b"><v>1</v></c>',
        '<c t="b"><v>0</v></c>',
    ) == ["Siti", "Siti", "SITI", "#N/A", "TRUE", "FALSE"]


def test_cells_without_a_value_are_empty_and_places_are_kept() -> None:
    assert cells('<c r="B1" s="1"/>', '<c r="C1"><v>3</v></c>', '<c r="AB1"><f>1/1</f></c>') == ["", "", "3"]
    assert cells("<c><v>1</v></c>", "<c/>", "<c><v>3</v></c>") == ["1", "", "3"]
    assert cells('<c r="B1"><v>2</v></c>', "<c><v>3</v></c>") == ["", "2", "3"]


def test_what_stands_between_and_behind_the_rows_is_nothing() -> None:
    document = (
        f'<worksheet xmlns="{MAIN}"><sheetData>\n<row>\n<c>\n<v>1</v></c>\n</row>\n</sheetData>'
        f"<extLst>{'y' * 2_000_000}</extLst></worksheet>"
    )
    assert rows(package("", document=document)) == [(1, ["1"])]


def test_dates_and_times_are_known_by_their_styles() -> None:
    assert cells(
        '<c s="0"><v>31276</v></c>',
        '<c s="1"><v>31276</v></c>',
        '<c s="2"><v>31276.5</v></c>',
        '<c s="3"><v>0.33333333333333331</v></c>',
        '<c s="4"><v>31276</v></c>',
        '<c t="d"><v>1985-08-17T00:00:00</v></c>',
        '<c t="d"><v>1985-08-17T08:30:00Z</v></c>',
    ) == ["31276", "1985-08-17", "1985-08-17 12:00:00", "08:00:00", "31276", "1985-08-17", "1985-08-17 08:30:00"]


def test_days_may_be_counted_from_1904() -> None:
    workbook = WORKBOOK.replace("<sheets>", '<workbookPr date1904="1"/><sheets>')
    assert rows(package('<row><c s="1"><v>29814</v></c></row>', workbook=workbook)) == [(1, ["1985-08-17"])]


def test_rows_are_counted_as_the_sheet_counts_them() -> None:
    sheet = '<row r="2"><c><v>1</v></c></row><row><c><v>2</v></c></row><row r="9"><c><v>3</v></c></row>'
    assert rows(package(sheet)) == [(2, ["1"]), (3, ["2"]), (9, ["3"])]


def test_names_may_have_prefixes() -> None:
    document = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1"><x:c r="A1" t="s"><x:v>0</x:v></x:c>'
        "</x:row></x:sheetData></x:worksheet>"
    )
    assert rows(package("", document=document)) == [(1, ["Siti"])]


def test_styles_with_parts_that_nobody_understands_do_no_harm() -> None:
    styles = STYLES.replace("<cellStyleXfs>", "<fills><fill/><fill><odd/></fill></fills><fonts/><cellStyleXfs>")
    assert rows(package('<row><c s="1"><v>31276</v></c></row>', styles=styles)) == [(1, ["1985-08-17"])]


BOMB = '<!DOCTYPE sst [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("sheet", "parts"),
    [
        ('<row><c t="s"><v>5</v></c></row>', {}),
        ('<row><c t="s"><v>-1</v></c></row>', {}),
        ('<row><c t="s"><v>x</v></c></row>', {}),
        ("<row><c><v>x</v></c></row>", {}),
        ('<row r="2"/><row r="2"/>', {}),
        ('<row r="0"/>', {}),
        ('<row r="1048577"/>', {}),
        ('<row><c r="XFE1"><v>1</v></c></row>', {}),
        ('<row><c r="1"><v>1</v></c></row>', {}),
        ('<row><c r="Ä1"><v>1</v></c></row>', {}),
        ('<row><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>', {}),
        ('<row><c r="A1"><v>1</v></c><c r="A1"><v>1</v></c></row>', {}),
        ("<row>", {}),
        (f"<row><c><v>{'1' * 1_000_001}</v></c></row>", {}),
        (f'<row><c t="inlineStr"><is><t>{"x" * 100_001}</t></is></c></row>', {}),
        (
            "<row>" + '<c t="s"><v>0</v></c>' * 16_000 + "</row>",
            {"strings": f"<sst><si><t>{'x' * 1000}</t></si></sst>"},
        ),
        ("", {"strings": BOMB + STRINGS}),
        ("", {"document": f'{BOMB}<worksheet xmlns="{MAIN}"/>'}),
        ("", {"workbook": BOMB + WORKBOOK}),
        ("", {"workbook": WORKBOOK.replace('r:id="rId1"', 'r:id="rId9"')}),
        ("", {"styles": STYLES.replace("</styleSheet>", "")}),
    ],
)
def test_what_cannot_be_is_damage(sheet: str, parts: dict[str, str]) -> None:
    from bot.registration.importing.xlsx_source import _DAMAGE

    with pytest.raises(_DAMAGE):
        rows(package(sheet, **parts))


def _is_refused(file: io.BytesIO) -> int:
    """The most memory that refusing it took, in bytes beyond what was there before."""
    from bot.registration.importing.xlsx_source import _DAMAGE

    tracemalloc.start()
    try:
        with pytest.raises(_DAMAGE):
            rows(file)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_tag_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    endless = "x" * 24_000_000
    document = f'<worksheet xmlns="{MAIN}"><sheetData><row a="{endless}"/></sheetData></worksheet>'
    assert _is_refused(package("", document=document)) < 16_000_000
    assert _is_refused(package("", styles=f'<styleSheet a="{endless}"/>')) < 16_000_000


def test_a_small_part_that_is_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.registration.importing.xlsx.xml._LARGEST_SMALL", 1_000_000)
    style = '<xf a="' + "x" * 10_000 + '"/>'
    many = f"<cellXfs>{style * 2_000}</cellXfs>"
    assert _is_refused(package("", styles=f"<styleSheet>{many}</styleSheet>")) < 16_000_000


def test_too_much_text_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.registration.importing.xlsx.shared_strings._MOST", 1000)
    strings = SharedStrings()
    strings.append("x" * 1000)
    with pytest.raises(ValueError, match="too much text"):
        strings.append("x")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("3171", "3171"),
        ("3171.0", "3171"),
        ("-5", "-5"),
        ("2.5", "2.5"),
        ("0.10000000000000001", "0.1"),
        ("1E3", "1000"),
        ("6281234567890", "6281234567890"),
        ("3171011708851234", "3171011708851234"),
        ("3171011708851230", "3.17101170885123E+15"),
        ("3.1710117088512E+15", "3.17101170885120E+15"),
        ("9471011708850011", "9.47101170885001E+15"),
        ("1E+300", "1e+300"),
    ],
)
def test_numbers_look_as_they_were_meant(value: str, text: str) -> None:
    assert number_text(value) == text


@given(st.integers(61, 2_900_000), st.booleans())
def test_days_are_those_of_spreadsheets(days: int, from_1904: bool) -> None:
    expected = from_excel(days, CALENDAR_MAC_1904) if from_1904 else from_excel(days)
    assert date_text(str(days), from_1904=from_1904) == str(expected.date())


def test_days_before_the_leap_day_that_never_was() -> None:
    assert [date_text(str(days), from_1904=False) for days in (1, 59, 61)] == ["1900-01-01", "1900-02-28", "1900-03-01"]


@pytest.mark.parametrize("value", ["-1", "2958466", "1E+20"])
def test_what_is_no_day_of_the_calendar_stays_a_number(value: str) -> None:
    assert date_text(value, from_1904=False) == number_text(value)


OWN_FORMATS = [
    "yyyy-mm-dd",
    "yyyy\\-mm\\-dd;@",
    "[$-421]dd mmmm yyyy;@",
    "dd/mm/yyyy hh:mm",
    "[h]:mm:ss",
    "[mm]:ss",
    "h:mm AM/PM",
    "[Red]dd-mmm-yy",
    "General",
    "0",
    "@",
    "#,##0.00",
    "0.00E+00",
    '"Rp"#,##0',
    "[$Rp-421]#,##0.00",
    '0" dosis"',
    '[Red]#,##0;"habis"',
    "_(* #,##0_);_(* (#,##0)",
    "\\d0",
    "0000000000000000",
]


@pytest.mark.parametrize("code", OWN_FORMATS)
def test_formats_of_ones_own_are_dates_as_the_usual_library_sees_it(code: str) -> None:
    assert _shows_date("200", code) == is_date_format(code)


def test_built_in_formats_are_dates_as_the_usual_library_sees_it() -> None:
    for number, code in BUILTIN_FORMATS.items():
        assert _shows_date(str(number), None) == is_date_format(code), code


def _shows_date(number: str, code: str | None) -> bool:
    styles = [Element("xf", "cellXfs", {"numFmtId": number})]
    if code is not None:
        styles.insert(0, Element("numFmt", "numFmts", {"numFmtId": number, "formatCode": code}))
    return date_styles(styles) == {0}
