"""Rows that are plainly right are read at a glance, and to the byte as they would have been read with care."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Copy
from psycopg.abc import Buffer
from psycopg.copy import Writer

from bot.crypto import Vault
from bot.registration.importing.header import match_header
from bot.registration.importing.opening import open_source
from bot.registration.importing.progress import no_progress
from bot.registration.importing.reading import staged_rows
from bot.registration.importing.roster import RosterImporter
from bot.registration.importing.source import Glance
from bot.registration.importing.staging import types_of
from bot.registration.nik import Sex, make_nik
from tests.registration.importing.conftest import Registry, counts, nik

TODAY = date(2021, 1, 13)
COLUMNS = (*RosterImporter.required, *RosterImporter.optional)
PLAIN = ("3171011708850001", "Siti Aminah", "1985-08-17", "3171", "M", "+6281234567890", "P1", "Perawat")
#: The sealed NIK differs each time; where it stands among the staged columns.
SEALED = [*types_of(RosterImporter(Vault("A" * 43), TODAY))].index("nik_sealed")


class CarefulImporter(RosterImporter):
    """Reads every row with care."""

    def glance(self, columns: Sequence[str | None], separator: str) -> Glance | None:
        return None

    def plain(self, line: int, cells: Sequence[str]) -> bytes | None:
        return None


class Kept(Writer):
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: Buffer) -> None:
        self.data += bytes(data)


def fields(packed: bytes) -> list[bytes | None]:
    """The columns of one packed row."""
    found: list[bytes | None] = []
    at = 2
    while at < len(packed):
        length = int.from_bytes(packed[at : at + 4], signed=True)
        at += 4
        found.append(None if length < 0 else packed[at : at + length])
        at += max(0, length)
    assert len(found) == int.from_bytes(packed[:2])
    return found


def as_copied(registry: Registry, importer: RosterImporter, row: Sequence[object]) -> bytes:
    """A row of values as psycopg packs it."""
    kept = Kept()
    with registry.database.connection() as connection, Copy(connection.cursor(), binary=True, writer=kept) as copy:
        copy.set_types(list(types_of(importer).values()))
        copy.write_row(row)
    return kept.data[19:-2]


def staged(importer: RosterImporter, path: Path) -> list[Sequence[object]]:
    with open_source(path, frozenset(COLUMNS)) as source:
        header = match_header(source.header, importer.required, importer.optional)
        return list(staged_rows(source, header, importer, no_progress))


def glances(registry: Registry, rows: Sequence[Sequence[str]]) -> int:
    """How many of the rows are read at a glance; each must then be what is read with care."""
    path = registry.folder / "roster.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    quick = staged(RosterImporter(registry.vault, TODAY), path)
    careful = staged(CarefulImporter(registry.vault, TODAY), path)
    assert len(quick) == len(careful)
    plain = 0
    for one, other in zip(quick, careful, strict=True):
        if isinstance(one, bytes):
            plain += 1
            ours, theirs = fields(one), fields(as_copied(registry, CarefulImporter(registry.vault, TODAY), other))
            assert registry.vault.open(ours.pop(SEALED) or b"", "nik") == registry.vault.open(
                theirs.pop(SEALED) or b"", "nik"
            )
            assert ours == theirs
        else:
            # With care, too: all is the same but what is sealed with another nonce each time.
            assert [*one[:SEALED], *one[SEALED + 1 :]] == [*other[:SEALED], *other[SEALED + 1 :]]
    return plain


MARKS = st.sampled_from(["", "", "", " ", "'", "\u200b", "\t", "-", "+", "=", "\u00a0", "\ufffd", "\x07", "\n"])
WORDS = st.sampled_from(
    [
        "Siti",
        "Nur'aini",
        "Jean-Luc",
        "S.Kep.,",
        "dr.",
        "É",
        "Ani  Tan",
        "-",
        "'Aisyiyah",
        "A" * 60,
        "7",
        "P1",
        "a b",
        "٣",
    ]
)
BORN = st.one_of(
    st.dates(date(1900, 1, 1), date(2022, 1, 1)),
    st.sampled_from([TODAY, date(2021, 1, 14), date(1911, 1, 13), date(1911, 1, 12), date(2000, 2, 29)]),
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    return draw(MARKS) + " ".join(draw(st.lists(WORDS, max_size=3))) + draw(MARKS)


@st.composite
def rows(draw: st.DrawFn) -> list[str]:
    born, sex = draw(BORN), draw(st.sampled_from(Sex))
    stated = draw(st.one_of(st.just(born), BORN))
    cells = [
        make_nik("3171", stated, draw(st.one_of(st.just(sex), st.sampled_from(Sex))), draw(st.integers(1, 9999))).text,
        draw(texts()),
        born.isoformat(),
        draw(st.one_of(st.just("3171"), texts())),
        draw(st.sampled_from([sex.value, "", "m", "F", "X"])),
        draw(
            st.from_regex(r"\A(\+?62|0)?8[0-9 -]{6,12}\Z") | st.sampled_from(["", "0213456789", "+6591234567", "8E+10"])
        ),
        draw(st.one_of(st.sampled_from(["P1", "", "P-1/2", "1E+5", "1e5", "A" * 41]), texts())),
        draw(st.one_of(st.sampled_from(["Perawat", "", "Bidan (PTT)", "B" * 101]), texts())),
    ]
    # Any cell may be something else altogether.
    for at in draw(st.lists(st.integers(0, 7), max_size=2)):
        cells[at] = draw(st.one_of(st.text(max_size=20), st.just(draw(MARKS) + cells[at] + draw(MARKS))))
    return [cell.replace("\0", "").encode("utf-8", "replace").decode() for cell in cells]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many=st.lists(rows(), min_size=1, max_size=12))
def test_a_glance_agrees_with_care(registry: Registry, many: list[list[str]]) -> None:
    glances(registry, many)


def with_cell(column: str, text: str) -> tuple[str, ...]:
    return tuple(text if name == column else cell for name, cell in zip(COLUMNS, PLAIN, strict=True))


def test_what_a_roster_usually_holds_is_plain(registry: Registry) -> None:
    usual = [
        PLAIN,
        with_cell("name", "dr. Nur'aini Jean-Luc, Sp.PD"),
        with_cell("phone", ""),
        with_cell("phone", "081234567890"),
        with_cell("facility_code", ""),
        with_cell("profession", ""),
        with_cell("name", "A" * 100),
    ]
    assert glances(registry, usual) == len(usual)


def test_what_gets_a_notice_or_is_wrong_is_read_with_care(registry: Registry) -> None:
    odd = [
        with_cell("name", "'Siti"),
        with_cell("name", "A" * 101),
        with_cell("name", "Siti\u200b"),
        with_cell("nik", "3171011708850000"),
        with_cell("nik", "'3171011708850001"),
        with_cell("birth_date", "1985-08-18"),
        with_cell("birth_date", "2085-08-17"),
        with_cell("birth_date", "1885-08-17"),
        with_cell("sex", "F"),
        with_cell("sex", "m"),
        with_cell("phone", "0213456789"),
        with_cell("district_code", ""),
        with_cell("facility_code", "1E+5"),
    ]
    assert glances(registry, odd) == 0


def test_with_a_second_key_all_is_read_with_care(registry: Registry) -> None:
    registry.vault = Vault(f"{registry.vault.data_key},{'B' * 43}")
    assert glances(registry, [PLAIN]) == 0


def test_plain_and_odd_rows_lie_in_one_import(registry: Registry) -> None:
    report = registry.roster(
        f"{nik(1)},Siti,1985-08-17,M,081234567890,3171,P1,Perawat",
        f"{nik(2)},...,1985-08-17,M,,3171,P1,",
        f"'{nik(3)},Budi,1985-08-17,M,,3171,P1,",
        f"{nik(4)},Ani,1985-08-17,M,,3171,,",
    )
    assert counts(report) == (3, 0, 0, 1)
    assert registry.column("SELECT name FROM worker ORDER BY id") == ["Siti", "Budi", "Ani"]
    assert registry.column("SELECT phone FROM worker ORDER BY id") == ["+6281234567890", None, None]
