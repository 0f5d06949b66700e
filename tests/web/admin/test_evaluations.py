"""The evaluation's pages: the list, a report, two side by side, an area's part, print and files."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from rq import Queue

from bot.clock import ManualClock
from bot.evaluation import blast_report
from bot.officers.accounts import Role
from bot.queues import Work
from bot.services import Services
from tests.evaluation.blasted import Blasted
from tests.evaluation.town import Town
from tests.web.admin.conftest import MovableClock, SignIn
from tests.world import MORNING


@pytest.fixture
def blasted(services: Services, clock: MovableClock) -> Blasted:
    return Blasted(Town(services.database, ManualClock(clock.now)))


def make(services: Services, blasted: Blasted, clock: MovableClock, *blasts: int) -> None:
    """A worker makes the reports that the pages asked for, some minutes later."""
    clock.set(MORNING + timedelta(minutes=25))
    blasted.town.clock.moment = clock.now
    for blast in blasts:
        assert blast_report.make(services.database, blast, blasted.town.clock)


def test_without_a_blast_it_says_what_will_stand_here(sign_in: SignIn) -> None:
    assert "No blast has gone to anybody here yet." in sign_in().reads("/admin/evaluation/")


def test_a_report_is_asked_of_a_worker_once_and_appears_when_it_is_made(
    sign_in: SignIn, services: Services, blasted: Blasted, clock: MovableClock
) -> None:
    blast = blasted.blast("13 Jan", segments=3)
    blasted.gets_to(blast, blasted.somebody(blast), "booked")
    blasted.somebody(blast)
    officer = sign_in()
    for _ in range(2):
        page = officer.reads(f"/admin/evaluation/{blast}/")
        assert "The report is being made" in page
        assert 'hx-trigger="every 2s"' in page
    [job] = Queue(Work.OFFICE.value, connection=services.queue).jobs
    assert (job.func_name, job.args) == ("bot.jobs.make_report", (blast,))
    make(services, blasted, clock, blast)
    page = officer.reads(f"/admin/evaluation/{blast}/")
    assert "1 of 2 whom the message reached have registered (50.0\u00a0%)." in page
    assert "Put down to this blast is who booked after the message was handed over" in page
    assert "hx-trigger" not in page
    assert "As of" in page
    clock.passes(seconds=61)
    assert "It is being made again" in officer.reads(f"/admin/evaluation/{blast}/")
    assert "13 Jan" in officer.reads("/admin/evaluation/")


def test_two_side_by_side(sign_in: SignIn, services: Services, blasted: Blasted, clock: MovableClock) -> None:
    first, second = blasted.blast("31 Dec"), blasted.blast("12 Jan", at=MORNING + timedelta(minutes=5))
    for _ in range(4):
        blasted.somebody(first)
    blasted.gets_to(first, blasted.somebody(first), "booked")
    for _ in range(2):
        blasted.gets_to(second, blasted.somebody(second), "booked")
    officer = sign_in()
    make(services, blasted, clock, first, second)
    page = officer.reads("/admin/evaluation/compare", first=str(first), second=str(second))
    assert "31 Dec against 12 Jan" in page
    registered = page.split("Registered until the end of registration")[1].split("</tr>")[0]
    for told in ("1 (20.0\u00a0%)", "2 (100.0\u00a0%)", "+1 (+80.0\u00a0points)"):
        assert told in registered
    assert "Kota Bandung" in page
    assert officer.opens("/admin/evaluation/compare", first=str(first), second="999999").status_code == 404
    assert officer.opens("/admin/evaluation/compare", first="x").status_code == 404


def test_two_side_by_side_by_operator_and_reason_and_as_files(
    sign_in: SignIn, services: Services, blasted: Blasted, clock: MovableClock
) -> None:
    first, second = blasted.blast("31 Dec"), blasted.blast("12 Jan", at=MORNING + timedelta(minutes=5))
    for reason in ("absent subscriber", "absent subscriber", "wrong number"):
        blasted.somebody(first, "rejected", reason)
    blasted.gets_to(first, blasted.somebody(first, phone="+6285500000001"), "booked")
    blasted.somebody(first, "suppressed", "opted out")
    blasted.gets_to(second, blasted.somebody(second), "verified")
    officer = sign_in()
    query = {"first": str(first), "second": str(second)}
    assert officer.opens("/admin/evaluation/compare.csv", **query).status_code == 409
    make(services, blasted, clock, first, second)
    page = officer.reads("/admin/evaluation/compare", **query)

    def row(name: str) -> list[str]:
        cells = page.split(f'<th scope="row">{name}</th>')[1].split("</tr>")[0]
        return re.findall(r'<td class="right">(.*?)</td>', cells)

    assert row("Indosat") == ["1", "1", "1", "1", "0", "0", "0", "0", "–"]
    assert row("Telkomsel") == ["3", "0", "0", "0", "1", "1", "1", "0", "+100.0\u00a0points"]
    assert row("absent subscriber") == ["2 (50.0\u00a0%)", "0 (0.0\u00a0%)", "−2"]
    assert row("opted out") == ["1 (20.0\u00a0%)", "0 (0.0\u00a0%)", "−1"]
    assert row("Gave the birth date, stopped at the confirmation") == ["0 (0.0\u00a0%)", "1 (100.0\u00a0%)", "+1"]
    assert row("Not known") == ["0 (–)", "1 (100.0\u00a0%)", "+1"]
    assert f"compare.xlsx?first={first}&amp;second={second}" in page

    answer = officer.opens("/admin/evaluation/compare.csv", **query)
    assert f"blasts-{first}-{second}.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    told = {
        (each["section"], each["name"], each["figure"]): (each["first"], each["second"], each["difference"])
        for each in rows
    }
    assert told["blast", "", "name"] == ("31 Dec", "12 Jan", "")
    assert told["all", "", "sent"] == ("4", "1", "-3")
    assert told["operator", "Telkomsel", "delivered"] == ("0", "1", "1")
    assert told["failed", "absent subscriber", "failed"] == ("2", "0", "-2")
    assert told["district", "Kota Bandung", "registered"] == ("1", "0", "-1")
    assert told["hour", "0 h", "answered"] == ("1", "1", "0")
    assert officer.opens("/admin/evaluation/compare.xlsx", **query).data[:2] == b"PK"
    assert officer.opens("/admin/evaluation/compare.pdf", **query).status_code == 404
    # nobody of Makassar is in either
    assert sign_in(Role.DISTRICT, "7371").opens("/admin/evaluation/compare.csv", **query).status_code == 404


def test_every_district_has_a_row_in_the_chart(
    sign_in: SignIn, services: Services, blasted: Blasted, clock: MovableClock
) -> None:
    blast = blasted.blast()
    blasted.gets_to(blast, blasted.somebody(blast), "booked")
    blasted.somebody(blast, district="7371")
    make(services, blasted, clock, blast)
    page = sign_in().reads(f"/admin/evaluation/{blast}/")
    found = re.search(r'data-chart-of="evaluation-districts">(.*?)</script>', page)
    assert found is not None
    chart = json.loads(found[1])
    assert chart["rows"] == 2
    [names], [bars] = chart["yAxis"], chart["series"]
    assert (names["data"], bars["data"]) == (["Kota Bandung", "Kota Makassar"], [100.0, 0.0])
    assert names["axisLabel"]["interval"] == 0


def test_an_area_sees_no_more_than_its_part(
    sign_in: SignIn, services: Services, blasted: Blasted, clock: MovableClock
) -> None:
    both, elsewhere = blasted.blast("for both"), blasted.blast("for Bandung alone")
    blasted.somebody(both)
    blasted.gets_to(both, blasted.somebody(both, district="7371"), "booked")
    blasted.somebody(elsewhere)
    officer = sign_in(Role.DISTRICT, "7371")
    # before a report says whom it went to, nobody of an area learns a blast's name
    assert "for " not in officer.reads("/admin/evaluation/").split("<main")[1]
    assert "alone" not in officer.reads(f"/admin/evaluation/{elsewhere}/")
    make(services, blasted, clock, both, elsewhere)
    listed = officer.reads("/admin/evaluation/")
    assert "for both" in listed
    assert "for Bandung alone" not in listed
    page = officer.reads(f"/admin/evaluation/{both}/")
    assert "1 of 1 whom the message reached have registered" in page
    assert "Your area alone." in page
    assert "Kota Makassar" in page
    assert "Kota Bandung" not in page
    for path in (f"/admin/evaluation/{elsewhere}/", f"/admin/evaluation/{elsewhere}.csv"):
        assert officer.opens(path).status_code == 404
    assert officer.opens("/admin/evaluation/compare", first=str(both), second=str(elsewhere)).status_code == 404
    assert b"Kota Bandung" not in officer.opens(f"/admin/evaluation/{both}.csv").data


def test_files_hold_the_figures_of_the_page(
    sign_in: SignIn, services: Services, blasted: Blasted, clock: MovableClock
) -> None:
    blast = blasted.blast("=1+1")
    blasted.somebody(blast, "rejected", "absent subscriber")
    blasted.gets_to(blast, blasted.somebody(blast), "booked")
    officer = sign_in()
    assert officer.opens(f"/admin/evaluation/{blast}.csv").status_code == 409
    make(services, blasted, clock, blast)
    answer = officer.opens(f"/admin/evaluation/{blast}.csv")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [rows[0][name] for name in ("section", "name", "sent", "failed", "registered")] == [
        "all",
        "'=1+1",
        "2",
        "1",
        "1",
    ]
    assert [(row["name"], row["registered"]) for row in rows if row["section"] == "district"] == [("Kota Bandung", "1")]
    assert [(row["name"], row["failed"]) for row in rows if row["section"] == "failed"] == [("absent subscriber", "1")]
    assert officer.opens(f"/admin/evaluation/{blast}.xlsx").data[:2] == b"PK"
    assert officer.opens(f"/admin/evaluation/{blast}.pdf").status_code == 404


def test_it_can_be_printed_and_read_in_indonesian(
    sign_in: SignIn, services: Services, blasted: Blasted, clock: MovableClock
) -> None:
    blast = blasted.blast()
    blasted.gets_to(blast, blasted.somebody(blast), "booked")
    make(services, blasted, clock, blast)
    officer = sign_in(language="id")
    page = officer.reads(f"/admin/evaluation/{blast}/")
    assert "data-print" in page
    assert 'class="card new-page"' in page
    assert "css/evaluations.css" in page
    assert "break-before: page" in officer.reads("/admin/static/css/evaluations.css")
    assert "Mendaftar dalam 24 jam" in page
    assert "Registered" not in page
    for chart in ("evaluation-hours", "evaluation-districts"):
        assert f'data-chart-of="{chart}"' in page
