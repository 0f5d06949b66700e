"""``districts import`` ... ``sample load``, as an operator types them."""

from __future__ import annotations

import base64
import json
import logging
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import structlog
from click.testing import CliRunner, Result

from bot.cli.main import cli
from bot.registration.importing.importer import REGISTRY_LOCK
from tests.embedded.waiting import eventually
from tests.registration.importing.conftest import DISTRICTS, FACILITIES, ROSTER_HEADER, nik

ROOT = Path(__file__).parents[2]
Balas = Callable[..., Result]


@pytest.fixture
def environment(database_url: str, redis_url: str) -> dict[str, str]:
    key = base64.urlsafe_b64encode(bytes(range(32))).decode()
    return os.environ | {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DATA_KEY": key,
        "SECRET_KEY": key,
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture
def balas(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Balas]:
    """Runs a command in a folder of its own, within this process: a new one takes two seconds to start."""
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level, structured = root.handlers[:], root.level, structlog.get_config()
    yield lambda *words: CliRunner().invoke(cli, words, env=environment)
    # The command has turned the logs of this process to its own stderr, which is no more.
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**structured)
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def lists(tmp_path: Path) -> None:
    (tmp_path / "districts.csv").write_text(DISTRICTS)
    (tmp_path / "facilities.csv").write_text(FACILITIES)
    (tmp_path / "roster.csv").write_text(
        f"{ROSTER_HEADER},note\n{nik(1)},Siti,1985-08-17,,0812 3456 7890,3171,P1,,\n{nik(2)},Budi,1985-08-18,,,3171,,,\n"
        f"{nik(3)},Tono,17/08/1985,,,3171,,,\n"
    )
    (tmp_path / "sessions.csv").write_text("facility_code,date,start,end,capacity\nP1,2099-01-14,08:00,09:00,10\n")


@pytest.mark.usefixtures("lists")
def test_a_registry_is_imported_list_by_list(balas: Balas, tmp_path: Path) -> None:
    for kind in ("districts", "facilities"):
        done = balas(kind, "import", f"{kind}.csv")
        assert (done.exit_code, done.stdout) == (
            0,
            f"{kind}.csv: 3 rows read: 3 added, 0 updated, 0 unchanged, 0 rejected\n",
        )
    done = balas("roster", "import", "roster.csv")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "roster.csv: 3 rows read: 2 added, 0 updated, 0 unchanged, 1 rejected",
        "  rejected  birth_date is not a date written YYYY-MM-DD, such as 1985-08-17 (line 4)",
        "  warning   columns that were ignored: note",
        "  warning   birth_date is not the one that the NIK states (1 row: line 3)",
        "Rejected rows, with the reasons: roster.csv.rejected.csv",
    ]
    assert (tmp_path / "roster.csv.rejected.csv").exists()
    done = balas("sessions", "import", "sessions.csv", "--json")
    assert json.loads(done.stdout)["added"] == 1
    shown = json.loads(balas("roster", "show", "081234567890", "--json").stdout)
    assert (shown["name"], shown["nik"]) == ("Siti", "************0001")


@pytest.mark.usefixtures("lists")
def test_a_dry_run_and_another_place_for_rejected_rows(balas: Balas, tmp_path: Path) -> None:
    done = balas("districts", "import", "districts.csv", "--dry-run")
    assert done.stdout.splitlines()[-1] == "This was a dry run: nothing has been changed."
    assert json.loads(balas("districts", "import", "districts.csv", "--json").stdout)["added"] == 3
    report = json.loads(balas("roster", "import", "roster.csv", "--rejected", "odd.csv", "--dry-run", "--json").stdout)
    assert (report["dry_run"], report["rejected_file"]) == (True, "odd.csv")
    assert (tmp_path / "odd.csv").exists()


@pytest.mark.usefixtures("lists")
def test_failures_are_one_line_and_exit_code_1(balas: Balas) -> None:
    for words, told in (
        (("roster", "import", "nowhere.csv"), "nowhere.csv: cannot be read: No such file or directory\n"),
        (
            ("facilities", "import", "sessions.csv", "--json"),
            "sessions.csv: needs more columns: code, name, district_code; it has: facility_code, date, start, end, "
            "capacity\n",
        ),
    ):
        done = balas(*words)
        assert (done.exit_code, done.stdout, done.stderr) == (1, "", told)


def test_wrong_usage_is_exit_code_2(balas: Balas) -> None:
    for words in (("roster", "import"), ("sample", "load"), ("sample", "load", "--workers", "0")):
        assert balas(*words).exit_code == 2


def test_a_sample_is_loaded_and_where_there_are_people_left_alone(balas: Balas) -> None:
    first = balas("sample", "load", "--workers", "100", "--districts", "5", "--if-empty", "--json")
    assert first.exit_code == 0
    report = json.loads(first.stdout)
    assert (report["loaded"], report["roster"]["added"], report["districts"]["added"]) == (True, 100, 5)
    again = balas("sample", "load", "--workers", "100", "--districts", "5", "--if-empty")
    assert again.stdout == "There are people on the roster already; nothing was loaded.\n"
    same = balas("sample", "load", "--workers", "100", "--districts", "5")
    assert "roster: 100 rows read: 0 added, 0 updated, 100 unchanged, 0 rejected\n" in same.stdout


@pytest.mark.usefixtures("lists")
def test_what_takes_long_shows_how_far_it_is_on_a_terminal_only(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    seen = bytearray()

    def shown(text: bytes) -> bool:
        try:
            seen.extend(os.read(ours, 65536))
        except OSError:  # nothing there yet, or nobody at the other end any more
            return text in seen
        return text in seen

    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [REGISTRY_LOCK])
        command = subprocess.Popen(
            [sys.executable, "-m", "bot", "districts", "import", "districts.csv", "--json"],
            cwd=tmp_path,
            env=environment | {"TERM": "xterm"},
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
        )
        try:
            assert eventually(lambda: shown(b"waiting for another import"), within=30)
            other.commit()
            out, _ = command.communicate(timeout=30)
        finally:
            command.kill()
            os.close(theirs)
            os.close(ours)
    assert command.returncode == 0
    assert json.loads(out)["added"] == 3
