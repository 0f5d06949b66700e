"""An import as a whole: dry runs, one transaction, the audit log, other imports, progress."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg
import pytest

from bot.db.database import Database, DatabaseAway
from bot.registration.importing import ImportFailed, ImportReport, Kind, Step, import_file
from bot.registration.importing.importer import REGISTRY_LOCK
from tests.registration.importing.conftest import ROSTER_HEADER, Registry, counts, nik, reasons

GOOD = f"{nik(1)},Siti,1985-08-17,,,3171,,"
BAD = f"{nik(2)},Budi,1985-08-17,,,9999,,"


def roster(*rows: str) -> str:
    return "\n".join((ROSTER_HEADER, *rows)) + "\n"


def audits(registry: Registry) -> list[tuple[object, ...]]:
    return registry.database.rows("SELECT actor, action, subject, detail, at FROM audit ORDER BY id")


def test_a_dry_run_says_the_same_and_changes_nothing(registry: Registry) -> None:
    before = audits(registry)
    tried = registry.imports(Kind.ROSTER, roster(GOOD, BAD), dry_run=True)
    assert registry.column("SELECT count(*) FROM worker") == [0]
    assert audits(registry) == before
    assert len(reasons(tried)) == 1
    done = registry.imports(Kind.ROSTER, roster(GOOD, BAD))
    assert (tried.dry_run, done.dry_run) == (True, False)
    assert (tried.rows, tried.rejections, tried.cautions) == (done.rows, done.rejections, done.cautions)


def test_every_import_is_in_the_audit_log_with_counts_and_without_people(registry: Registry) -> None:
    registry.imports(Kind.ROSTER, roster(GOOD, BAD), actor="user:dewi")
    actor, action, subject, detail, at = audits(registry)[-1]
    assert (actor, action, subject) == ("user:dewi", "roster.import", "roster.csv")
    assert detail == {"read": 2, "added": 1, "updated": 0, "unchanged": 0, "rejected": 1}
    assert at == registry.clock.now()


def test_a_file_that_breaks_off_leaves_nothing_half_done(registry: Registry) -> None:
    good = [f"{nik(n)},Siti,1985-08-17,,,3171,," for n in range(1, 3000)]
    swallowed = ["x,x"] * 30
    with pytest.raises(ImportFailed):
        registry.imports(Kind.ROSTER, roster(*good, f'{nik(3000)},"Budi,1985-08-17,,,3171,,', *swallowed))
    assert registry.column("SELECT count(*) FROM worker") == [0]
    assert counts(registry.imports(Kind.ROSTER, roster(*good))) == (2999, 0, 0, 0)


def test_two_imports_wait_for_each_other(registry: Registry, database_url: str) -> None:
    waiting = threading.Event()
    reports: list[ImportReport] = []

    def tell(step: Step, done: float | None) -> None:
        if step is Step.WAITING:
            waiting.set()

    def imports() -> None:
        reports.append(registry.imports(Kind.ROSTER, roster(GOOD), progress=tell))

    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [REGISTRY_LOCK])
        thread = threading.Thread(target=imports)
        thread.start()
        assert waiting.wait(20)
        assert thread.is_alive()
        other.commit()
    thread.join(20)
    assert [counts(report) for report in reports] == [(1, 0, 0, 0)]


def test_one_list_imported_twice_at_once_goes_in_once(registry: Registry) -> None:
    rows = [f"{nik(n)},Siti {n},1985-08-17,,,3171,," for n in range(1, 500)]
    path = registry.file("roster.csv", roster(*rows))
    reports: list[ImportReport] = []
    threads = [threading.Thread(target=lambda: reports.append(registry.imports(Kind.ROSTER, path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(counts(report) for report in reports) == [(0, 0, 499, 0), (499, 0, 0, 0)]


def test_progress_goes_from_reading_to_the_end(registry: Registry) -> None:
    told: list[tuple[Step, float | None]] = []
    rows = [f"{nik(n)},Siti,1985-08-17,,,3171,," for n in range(1, 5001)]
    registry.imports(Kind.ROSTER, roster(*rows, BAD), progress=lambda step, done: told.append((step, done)))
    steps = list(dict.fromkeys(step for step, _ in told))
    assert steps == [Step.READING, Step.WRITING, Step.LISTING_REJECTED]
    shares: Sequence[float] = [done for step, done in told if step is Step.READING and done is not None]
    assert len(shares) == 6
    assert list(shares) == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


def test_the_summary_counts_reasons_most_frequent_first(registry: Registry) -> None:
    report = registry.imports(Kind.ROSTER, roster(f",{GOOD}"[1:], BAD, ",X,,,,,,", ",Y,,,,,,", ",Z,,,,,,"))
    assert [(group.column, group.reason, group.rows, group.first_line) for group in report.rejections] == [
        ("nik", "is empty", 3, 4),
        ("district_code", "is not the code of a known district", 1, 3),
    ]


def test_the_report_as_json(registry: Registry) -> None:
    assert registry.imports(Kind.ROSTER, roster(GOOD.replace("08-17", "08-18"), BAD)).as_json() == {
        "kind": "roster",
        "file": "roster.csv",
        "dry_run": False,
        "read": 2,
        "added": 1,
        "updated": 0,
        "unchanged": 0,
        "rejected": 1,
        "rejected_file": str(registry.folder / "roster.csv.rejected.csv"),
        "rejections": [
            {
                "column": "district_code",
                "reason": "is not the code of a known district",
                "rows": 1,
                "first_line": 3,
            }
        ],
        "warnings": [{"text": "birth_date is not the one that the NIK states", "rows": 1, "lines": (2,)}],
    }


def test_a_database_that_is_away_is_told_as_such(registry: Registry) -> None:
    registry.database.close()
    path = registry.file("roster.csv", roster(GOOD))
    away = Database("postgresql://nobody@127.0.0.1:1/nothing", limit=1)
    try:
        with pytest.raises(DatabaseAway):
            import_file(away, registry.vault, registry.clock, Kind.ROSTER, path)
    finally:
        away.close()
    assert list(registry.folder.glob("*rejected*")) == []


def test_the_time_is_the_clocks(registry: Registry) -> None:
    registry.clock.moment = datetime(1985, 8, 16, tzinfo=UTC)
    assert reasons(registry.imports(Kind.ROSTER, roster(GOOD))) == [(2, "birth_date", "lies in the future")]
