"""Handing out and erasing somebody's data on their page: by whom, for what reason, confirmed."""

from __future__ import annotations

import json

import pytest

from bot.kept_for import KeptFor
from bot.officers.accounts import Role
from bot.privacy import retention
from bot.services import Services
from tests.privacy.everything import Person, fill
from tests.web.admin.conftest import SignIn
from tests.world import World

WHY = "asked for it herself"


@pytest.fixture
def kartika(services: Services, world: World) -> Person:
    return fill(services, world)


def _erased(services: Services) -> int:
    found: int = services.database.value("SELECT count(*) FROM worker WHERE erased_at IS NOT NULL")
    return found


def test_the_timeline_has_receipts_of_today_and_those_that_name_no_message(sign_in: SignIn, kartika: Person) -> None:
    page = sign_in(Role.DISTRICT, "3273").reads(f"/admin/people/{kartika.worker.id}")
    # The blast's, sent twice, and the ticket's, which was kept before receipts named their messages.
    assert page.count("Receipts of the gateway: 2") == 1
    assert page.count("Receipts of the gateway: 1") == 1


class TestHandingOut:
    def test_the_file_holds_everything_and_is_for_keeping(self, sign_in: SignIn, kartika: Person) -> None:
        officer = sign_in(Role.DISTRICT, "3273")
        assert "Download all data" in officer.reads(f"/admin/people/{kartika.worker.id}")
        answer = officer.sends(f"/admin/people/{kartika.worker.id}/data", {"reason": WHY})
        assert answer.headers["Content-Disposition"] == f'attachment; filename="person-{kartika.worker.id}.json"'
        assert answer.headers["Cache-Control"] == "no-store"
        assert json.loads(answer.get_data())["data"]["worker"][0]["nik"] == kartika.worker.nik

    def test_without_a_reason_there_is_none(self, sign_in: SignIn, services: Services, kartika: Person) -> None:
        answer = sign_in().sends(f"/admin/people/{kartika.worker.id}/data", {"reason": ""})
        assert answer.status_code == 302
        assert services.database.value("SELECT count(*) FROM audit WHERE action = 'privacy.export'") == 0

    @pytest.mark.parametrize("where", ["data", "erase"])
    def test_of_another_area_it_is_nobodys(self, sign_in: SignIn, world: World, kartika: Person, where: str) -> None:
        world.district("3171", "Kota Jakarta Pusat")
        officer = sign_in(Role.PROVINCE, "31")
        form = {"reason": WHY, "confirm": kartika.worker.name}
        assert officer.sends(f"/admin/people/{kartika.worker.id}/{where}", form).status_code == 404

    @pytest.mark.parametrize("role", [Role.FACILITY, Role.CALL_CENTRE])
    def test_others_may_not(self, sign_in: SignIn, services: Services, kartika: Person, role: Role) -> None:
        code = services.database.value("SELECT code FROM facility")
        officer = sign_in(role, code if role is Role.FACILITY else None)
        assert "Download all data" not in officer.reads(f"/admin/people/{kartika.worker.id}")
        for where in ("data", "erase"):
            assert officer.sends(f"/admin/people/{kartika.worker.id}/{where}", {"reason": WHY}).status_code == 403


class TestErasing:
    def _page(self, kartika: Person) -> str:
        return f"/admin/people/{kartika.worker.id}/erase"

    def test_a_district_asks_its_province(self, sign_in: SignIn, kartika: Person) -> None:
        assert sign_in(Role.DISTRICT, "3273").opens(self._page(kartika)).status_code == 403
        assert sign_in(Role.PROVINCE, "32").opens(self._page(kartika)).status_code == 200

    @pytest.mark.parametrize(
        "form", [{"confirm": "Kartika"}, {"confirm": ""}, {"reason": ""}, {"reason": "Kartika asked"}]
    )
    def test_without_the_name_or_a_good_reason_nothing_happens(
        self, sign_in: SignIn, services: Services, kartika: Person, form: dict[str, object]
    ) -> None:
        answer = sign_in().sends(self._page(kartika), {"confirm": kartika.worker.name, "reason": WHY, **form})
        assert answer.status_code == 200
        assert _erased(services) == 0

    def test_confirmed_it_is_done_and_the_page_is_gone(
        self, sign_in: SignIn, services: Services, kartika: Person
    ) -> None:
        officer = sign_in()
        services.conversations.set("conv:{" + str(kartika.worker.phone) + "}", "1:a:{}")
        answer = officer.sends(self._page(kartika), {"confirm": " kartika  ANGGRAINI ", "reason": WHY})
        assert answer.status_code == 302
        assert _erased(services) == 1
        assert services.conversations.keys("conv:*") == []
        said = officer.reads("/admin/people/")
        assert "This person is erased." in said
        assert "Places given back: 1." in said
        assert officer.opens(f"/admin/people/{kartika.worker.id}").status_code == 404
        assert officer.sends(self._page(kartika), {"confirm": "", "reason": WHY}).status_code == 404

    def test_while_a_message_leaves_it_waits(self, sign_in: SignIn, services: Services, kartika: Person) -> None:
        services.database.rows("UPDATE attempt SET state = 'claimed', claimed_at = created_at WHERE state = 'queued'")
        answer = sign_in().sends(self._page(kartika), {"confirm": kartika.worker.name, "reason": WHY})
        assert "A message to them is just leaving." in answer.get_data(as_text=True)
        assert _erased(services) == 0


def test_what_is_due_stands_on_the_systems_page(sign_in: SignIn, services: Services) -> None:
    officer = sign_in(language="id")
    assert "Belum ada yang melihat." in officer.reads("/admin/system/")
    now = services.clock.now()
    retention.keep_for_page(services.database, retention.due(services.database, KeptFor(), now), now)
    said = officer.reads("/admin/system/")
    assert "tidak ada yang jatuh tempo" in said
    assert "NIK, sejak pendaftaran berakhir" in said
