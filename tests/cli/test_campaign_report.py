"""``campaign report``, as an operator types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from bot.clock import ManualClock, RealClock
from bot.db.database import Database
from tests.cli.test_registry import Balas, balas, environment
from tests.evaluation.blasted import Blasted
from tests.evaluation.town import Town

__all__ = ["balas", "environment"]


@pytest.fixture
def blasted(database_url: str) -> Blasted:
    made = Blasted(Town(Database(database_url, limit=10), ManualClock(RealClock().now())))
    blast = made.blast("13 Jan", at=made.town.clock.moment.replace(year=2021), segments=3)
    made.gets_to(blast, made.somebody(blast), "booked")
    made.gets_to(blast, made.somebody(blast), "started")
    made.somebody(blast, "rejected", "absent subscriber")
    return made


@pytest.mark.usefixtures("blasted")
def test_it_tells_what_a_blast_has_come_to(balas: Balas, environment: dict[str, str]) -> None:
    environment["SMS_PRICE"] = "350"
    told = {" ".join(line.split()) for line in balas("campaign", "report", "13 Jan").stdout.splitlines()}
    for line in (
        "sent 3",
        "delivered 2",
        "registered within 24 h 1",
        "started 1",
        "absent subscriber 1",
        "not known 1",
    ):
        assert line in told
    assert any(line.startswith("cost: 1,050.00") and line.endswith("1,050.00 a registration") for line in told)


@pytest.mark.usefixtures("blasted")
def test_as_json_and_as_a_file(balas: Balas, tmp_path: Path) -> None:
    done = balas("campaign", "report", "13 Jan", "--json", "--csv", "report.csv")
    found = json.loads(done.stdout)
    assert {name: found[name] for name in ("name", "recipients", "delivered", "failed", "answered", "registered")} == {
        "name": "13 Jan",
        "recipients": 3,
        "delivered": 2,
        "failed": 1,
        "answered": 2,
        "registered": 1,
    }
    assert found["failed_by_reason"] == {"absent subscriber": 1}
    assert found["cost"] is None
    assert [(each["code"], each["registered"], each["behind"]) for each in found["districts"]] == [("3273", 1, None)]
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["section"], row["name"], row["registered"]) for row in rows][:2] == [
        ("all", "13 Jan", "1"),
        ("district", "Kota Bandung", "1"),
    ]
    assert (tmp_path / "report.csv").stat().st_mode & 0o077 == 0


def test_of_a_campaign_that_is_not_there(balas: Balas) -> None:
    done = balas("campaign", "report", "none")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("There is no campaign 'none'")


@pytest.mark.usefixtures("blasted")
def test_a_file_that_cannot_be_written_is_told_in_one_line(balas: Balas) -> None:
    done = balas("campaign", "report", "13 Jan", "--csv", "nowhere/report.csv")
    assert (done.exit_code, done.stderr) == (1, "nowhere/report.csv cannot be written: No such file or directory.\n")
