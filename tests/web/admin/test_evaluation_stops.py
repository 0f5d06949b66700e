"""The evaluation tells on which screen those stopped who answered and did not register, and what is not known."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest

from bot.clock import ManualClock
from bot.evaluation import blast_report
from bot.services import Services
from tests.evaluation.blasted import Blasted
from tests.evaluation.town import Town
from tests.web.admin.conftest import MovableClock, Officer, SignIn
from tests.world import MORNING


@pytest.fixture
def blasted(services: Services, clock: MovableClock) -> Blasted:
    return Blasted(Town(services.database, ManualClock(clock.now)))


def test_where_those_stopped_who_did_not_register(
    sign_in: SignIn, services: Services, blasted: Blasted, clock: MovableClock
) -> None:
    blast = blasted.blast("13 Jan")
    for state in ("times", "times", "screening", ""):
        silent = blasted.gets_to(blast, blasted.somebody(blast), "verified")
        if state:
            blasted.stands(silent, state, MORNING + timedelta(minutes=13))
    clock.passes(minutes=25)
    blasted.town.clock.moment = clock.now
    assert blast_report.make(services.database, blast, blasted.town.clock)
    officer = sign_in()
    page = officer.reads(f"/admin/evaluation/{blast}/").replace("\u00a0", " ")
    table = page.split("Where those stopped who answered and did not register")[1].split("</table>")[0]
    told = re.findall(r'<th scope="row">(.*?)</th><td class="right">(.*?)</td><td class="right">(.*?)</td>', table)
    assert told == [("Screening", "1", "25.0 %"), ("List of times", "2", "50.0 %"), ("Not known", "1", "25.0 %")]
    assert "Single ones may be missing" in page
    [csv_row] = [row for row in _csv(officer, blast) if row["section"] == "screen" and row["name"] == "times"]
    assert csv_row["answered"] == "2"


def _csv(officer: Officer, blast: int) -> list[dict[str, str]]:
    body = officer.opens(f"/admin/evaluation/{blast}.csv").get_data().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(body)))
