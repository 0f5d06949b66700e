"""What is plainly right of a first roster goes straight into its table, and all is as if it had been staged."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.registration.importing import ImportReport, Kind, pipeline, straight, together
from bot.registration.importing.importer import REGISTRY_LOCK
from bot.registration.nik import Sex
from tests.registration.importing.conftest import ROSTER_HEADER, Registry, counts, reasons, roster_line, warnings
from tests.registration.importing.test_first_filling import reader as reader
from tests.registration.importing.test_first_filling import relations, shape
from tests.registration.importing.test_plain_workers import rows


def plain(n: int, **cells: str) -> str:
    usual = {
        "name": f"Siti {'A' * (n % 7 + 1)}",
        "sex": "F",
        "phone": f"0812{n:08}" if n % 3 else "",
        "district": ("3171", "7371")[n % 2],
        "facility": ("P1", "P2", "")[n % 3],
        "profession": "Bidan (PTT)" if n % 5 else "",
    }
    return roster_line(n, Sex.FEMALE, **(usual | cells))


#: Some stretches, with something odd here and there.
ROWS = [plain(n) for n in range(4000)]
ROWS[10] = plain(10, birth_date="1970-05-05")
ROWS[20] = plain(20, district="9999")
ROWS[30] = plain(30, facility="P9")
ROWS[40] = plain(40, name='"Siti, S.Kep ""Ns"""')
ROWS[2600] = plain(2600, name="...")


@pytest.fixture(autouse=True)
def every_list_is_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "STRAIGHT_FROM", 1)


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many rows each import sent straight."""
    taken: list[int] = []
    judge = straight.Straight.tell_doubles_apart

    def noted(way: straight.Straight) -> int:
        moved = judge(way)
        [(there,)] = way._connection.execute("SELECT count(*) FROM worker").fetchall()
        taken.append(there)
        return moved

    monkeypatch.setattr(straight.Straight, "tell_doubles_apart", noted)
    return taken


def written(rows: Sequence[str]) -> str:
    return "\n".join((ROSTER_HEADER, *rows)) + "\n"


def people(registry: Registry) -> list[tuple[object, ...]]:
    """All that stands on the list, without what differs each time, and the NIK opened."""
    found = registry.database.rows(
        "SELECT nik_hash, nik_tail, name, birth_date, sex, phone, district_code, domicile_code, facility_id, profession, "
        "language, started_at, verified_at, confirmed_at, created_at, updated_at, erased_at, nik_sealed FROM worker "
        "ORDER BY nik_hash"
    )
    return [(*row, registry.vault.open(sealed, "nik")) for *row, sealed in found]


def both_ways(registry: Registry, rows: Sequence[str]) -> tuple[ImportReport, ImportReport]:
    """The same list by staging and straight; the second stays."""
    registry.database.rows("TRUNCATE worker CASCADE")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pipeline, "STRAIGHT_FROM", 1 << 60)
        staged = registry.roster(*rows)
    expected = people(registry)
    registry.database.rows("TRUNCATE worker CASCADE")
    went = registry.roster(*rows)
    assert people(registry) == expected
    return staged, went


def test_a_first_list_goes_straight_and_comes_to_the_same(registry: Registry, ways: list[int]) -> None:
    before = shape(registry)
    staged, went = both_ways(registry, ROWS)
    assert ways == [3995]
    assert went == staged
    assert counts(went) == (3997, 0, 0, 3)
    assert reasons(went) == [
        (22, "district_code", "is not the code of a known district"),
        (32, "facility_code", "is not the code of a known facility"),
        (2602, "name", "has no letter in it"),
    ]
    assert warnings(went) == {"birth_date is not the one that the NIK states": (12,)}
    assert shape(registry) == before
    assert counts(registry.roster(*ROWS)) == (0, 0, 3997, 3)


def test_rows_keep_the_order_of_their_lines_and_new_ones_come_behind(registry: Registry, ways: list[int]) -> None:
    registry.roster(*ROWS[100:200])
    assert ways == [100]
    assert registry.column("SELECT nik_tail FROM worker ORDER BY id") == [f"{n + 1:04}" for n in range(100, 200)]
    assert counts(registry.roster(plain(3000))) == (1, 0, 0, 0)
    assert registry.column("SELECT nik_tail FROM worker ORDER BY id DESC LIMIT 1") == ["3001"]


@pytest.mark.parametrize(
    "odd", [{}, {"name": '"Siti, S.Kep"'}, {"birth_date": "1970-05-05"}], ids=["plain", "quoted", "odd"]
)
@pytest.mark.parametrize("first", [True, False])
def test_of_one_nik_the_first_line_stays_whatever_its_way(
    registry: Registry, odd: dict[str, str], first: bool, ways: list[int]
) -> None:
    doubles = [plain(7, **odd), plain(7, name="Budi")]
    one, other = doubles if first else reversed(doubles)
    staged, went = both_ways(registry, [*ROWS[100:110], one, *ROWS[110:120], other, *ROWS[120:130], plain(7)])
    assert went == staged
    assert counts(went) == (31, 0, 0, 2)
    assert reasons(went) == [(23, "nik", "is the same NIK as on line 12"), (34, "nik", "is the same NIK as on line 12")]
    assert ways == [30]


def test_a_line_that_is_wrong_anyhow_takes_nobodys_place(registry: Registry) -> None:
    staged, went = both_ways(registry, [plain(7, district="9999"), *ROWS[100:110], plain(7)])
    assert went == staged
    assert counts(went) == (11, 0, 0, 1)


def test_two_readers_send_theirs_straight(registry: Registry, monkeypatch: pytest.MonkeyPatch, ways: list[int]) -> None:
    monkeypatch.setattr(together, "LONG", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})
    staged, went = both_ways(registry, [*ROWS, plain(7), plain(1207), plain(2207)])
    assert went == staged
    assert ways == [3992]
    assert counts(went) == (3997, 0, 0, 6)


def test_many_odd_rows_take_turns_with_plain_ones(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, ways: list[int]
) -> None:
    monkeypatch.setattr("bot.registration.importing.copying._WAITING", 100)
    mixed = [plain(n, name='"Siti, S.Kep"') if n % 3 else plain(n) for n in range(3000)]
    staged, went = both_ways(registry, mixed)
    # What stands in quotation marks is taken apart first, and then as plain as the rest.
    assert (went, ways) == (staged, [3000])
    odd = [plain(n, sex="P") if n % 3 else plain(n) for n in range(3000)]
    staged, went = both_ways(registry, odd)
    assert (counts(went), ways) == ((1000, 0, 0, 2000), [3000, 1000])
    assert went == staged


def test_a_list_of_odd_rows_alone_is_staged(registry: Registry, ways: list[int]) -> None:
    staged, went = both_ways(registry, [plain(n, birth_date="1970-05-05") for n in range(20)])
    assert (went, ways) == (staged, [0])
    assert counts(went) == (20, 0, 0, 0)


def test_a_dry_run_leaves_nothing(registry: Registry, ways: list[int]) -> None:
    before, files = shape(registry), relations(registry)
    assert counts(registry.imports(Kind.ROSTER, written(ROWS), dry_run=True)) == (3997, 0, 0, 3)
    assert ways == [3995]
    assert (shape(registry), relations(registry)) == (before, files)
    assert registry.column("SELECT count(*) FROM worker") == [0]
    assert registry.roster(*ROWS[100:103]).rows.added == 3


def test_a_list_that_breaks_off_leaves_all_as_it_was(registry: Registry) -> None:
    before, files = shape(registry), relations(registry)
    with pytest.raises(pipeline.ImportFailed, match="is not closed"):
        registry.roster(*ROWS, '"Budi', *["x"] * 30)
    assert (shape(registry), relations(registry)) == (before, files)
    assert registry.column("SELECT count(*) FROM worker") == [0]


@pytest.mark.usefixtures("reader")
def test_whoever_uses_the_table_is_not_waited_for(registry: Registry, ways: list[int]) -> None:
    assert counts(registry.roster(*ROWS)) == (3997, 0, 0, 3)
    assert ways == []


def test_another_import_is_waited_for_as_ever(registry: Registry, database_url: str, ways: list[int]) -> None:
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [REGISTRY_LOCK])
        went: list[object] = []

        def when_waiting(step: object, _share: float | None) -> None:
            if step is pipeline.Step.WAITING:
                went.append(step)
                other.rollback()

        registry.imports(Kind.ROSTER, written(ROWS[100:110]), progress=when_waiting)
    assert (went, ways) == ([pipeline.Step.WAITING], [])


def test_a_list_with_somebody_on_it_is_changed_by_staging(registry: Registry, ways: list[int]) -> None:
    registry.roster(plain(7))
    assert counts(registry.roster(*ROWS[:10])) == (9, 0, 1, 0)
    assert ways == [1]


SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@pytest.mark.parametrize("separator", SEPARATORS, ids=SEPARATORS.values())
@pytest.mark.parametrize("turned", [False, True])
def test_whatever_separates_the_columns_and_in_whatever_order(
    registry: Registry, separator: str, turned: bool, ways: list[int]
) -> None:
    lines = [line.split(",") for line in ROWS[100:140]]
    table = [
        [*ROSTER_HEADER.split(","), "Catatan"],
        *([*line, "lama; baru" if separator == "," else "a"] for line in lines),
    ]
    if turned:
        table = [line[::-1] for line in table]
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(table)
    assert counts(registry.imports(Kind.ROSTER, out.getvalue())) == (40, 0, 0, 0)
    assert ways == [40]
    ours = people(registry)
    registry.database.rows("TRUNCATE worker CASCADE")
    registry.roster(*ROWS[100:140])
    assert people(registry) == ours


def test_a_list_without_the_columns_that_may_lack(registry: Registry, ways: list[int]) -> None:
    lines = [line.split(",") for line in ROWS[100:110]]
    header = "nik,name,birth_date,sex,district_code"
    report = registry.roster(*(",".join((*line[:4], line[5])) for line in lines), header=header)
    assert (counts(report), ways) == ((10, 0, 0, 0), [10])
    assert registry.database.rows("SELECT DISTINCT phone, facility_id, profession FROM worker") == [(None, None, "")]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many=st.lists(rows(), min_size=1, max_size=12), doubled=st.lists(st.integers(0, 30), max_size=3))
def test_it_comes_to_the_same_for_whatever_rows(registry: Registry, many: list[list[str]], doubled: list[int]) -> None:
    lines = []
    for cells in [*many, *(many[n % len(many)] for n in doubled)]:
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow(cells)
        lines.append(out.getvalue())
    staged, went = both_ways(registry, lines)
    assert went == staged
