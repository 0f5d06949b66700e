"""The audit log on its page, and taken home."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest

from bot.db import audit
from bot.services import Services
from tests.web.admin.conftest import SignIn
from tests.world import MORNING, World


@pytest.fixture
def lines(services: Services, world: World) -> None:
    with services.database.transaction() as connection:
        for number in range(120):
            actor, action = ("ani", "nik.reveal") if number % 40 == 0 else ("budi", "phone.correct")
            at = MORNING - timedelta(days=2) + timedelta(minutes=number)
            audit.record(connection, at, actor, action, f"worker:{number}", {"reason": "=1+1", "count": number})


@pytest.mark.usefixtures("lines")
class TestReading:
    def test_pages_lead_from_the_newest_to_the_oldest(self, sign_in: SignIn) -> None:
        officer = sign_in()
        seen: list[str] = []
        path = "/admin/system/audit"
        while True:
            page = officer.client.get(path).get_data(as_text=True)
            seen += re.findall(r">worker:(\d+)</td>", page)
            older = re.search(r'href="([^"]+before=[^"]+)"', page)
            if older is None:
                break
            path = older[1].replace("&amp;", "&")
        assert [int(number) for number in seen] == list(range(119, -1, -1))

    def test_by_who_what_about_what_and_when(self, sign_in: SignIn) -> None:
        officer = sign_in()

        def found(**asked: str) -> list[str]:
            return re.findall(r">worker:(\d+)</td>", officer.reads("/admin/system/audit", **asked))

        assert found(actor="ani") == ["80", "40", "0"]
        assert found(action="nik.reveal", subject="worker:40") == ["40"]
        assert found(actor="nobody") == []
        assert found(since="2021-01-11", until="2021-01-11", actor="ani") == ["80", "40", "0"]
        assert found(since="2021-01-12") == []
        assert found(until="2021-01-10") == []

    @pytest.mark.parametrize("query", [{"since": "x"}, {"before": "x"}, {"until": "9999-12-31"}, {"before": "_"}])
    def test_nonsense_is_told(self, sign_in: SignIn, query: dict[str, str]) -> None:
        assert sign_in().opens("/admin/system/audit", **query).status_code == 400
        assert sign_in(name="other").opens("/admin/system/audit.csv", **query).status_code == 400

    def test_what_was_found_is_taken_home_and_that_is_written_down(self, sign_in: SignIn, services: Services) -> None:
        officer = sign_in(name="sri")
        answer = officer.opens("/admin/system/audit.csv", action="phone.correct")
        rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
        assert rows[0] == ["When (UTC)", "Who", "What", "About", "Details"]
        assert len(rows) == 1 + 117
        assert rows[1][1:] == ["budi", "phone.correct", "worker:119", "count: 119, reason: =1+1"]
        assert services.database.rows("SELECT actor, detail FROM audit WHERE action = 'audit.export'") == [
            ("sri", {"action": "phone.correct"})
        ]
