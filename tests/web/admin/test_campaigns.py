"""A campaign's way in the browser until it leaves: looked at, tried, approved, sent; who may, and what the calendar says."""

from __future__ import annotations

import re

import pytest

from bot.campaigns import kept
from bot.campaigns.record import by_id
from bot.officers.accounts import Role
from bot.services import Services
from tests.web.admin.campaign_acts import Workers, audited, presses, state, workers
from tests.web.admin.conftest import MovableClock, SignIn
from tests.web.admin.test_composer import saved
from tests.world import World

__all__ = ["workers"]


def test_the_whole_way(sign_in: SignIn, services: Services, world: World, workers: Workers) -> None:
    for _ in range(4):
        world.worker(None)
    maker, other = sign_in(name="sari"), sign_in(name="budi")
    campaign = saved(maker, services)
    page = maker.reads(f"/admin/campaigns/{campaign.id}/")
    assert "are being counted" in page
    assert "Approve" not in page
    assert workers.waiting() == ["bot.jobs.look_around", "bot.jobs.look_at_campaign"]
    workers.look(campaign.id)
    page = maker.reads(f"/admin/campaigns/{campaign.id}/preview")
    assert "Approve it for 4 recipients?" in page
    assert page.count("<q>Yth. S*** W***, daftar vaksinasi: *119#</q>") == 4
    assert "Approved." in presses(other, campaign, "approve")
    assert "Send it now to 4 recipients?" in other.reads(f"/admin/campaigns/{campaign.id}/")
    assert "It is starting" in presses(other, campaign, "send")
    assert "bot.jobs.start_campaigns" in workers.waiting()
    assert services.database.value("SELECT count(*) FROM message") == 0
    assert "starting" in maker.reads("/admin/campaigns/")
    assert workers.start() == ["first"]
    live = maker.opens(f"/admin/campaigns/{campaign.id}/live", state="starting")
    assert live.headers["HX-Refresh"] == "true"
    workers.messages_go("delivered", most=2)
    workers.messages_go("rejected", "no such number", most=1)
    workers.messages_go("suppressed", "opted out")
    live = maker.opens(f"/admin/campaigns/{campaign.id}/live", state="running")
    told = live.get_data(as_text=True)
    assert "HX-Refresh" not in live.headers
    assert "<b>2</b><span>Delivered</span><small>50.0 %</small>" in told
    assert "no such number" in told
    assert "opted out" in told
    assert 'hx-trigger="every 2s"' in told
    assert "100.0 %" in maker.reads("/admin/campaigns/")
    assert audited(services) == [
        ("sari", "campaign.create"),
        ("budi", "campaign.approve"),
        ("budi", "campaign.send"),
        ("clock", "campaign.start"),
    ]


def test_a_double_click_or_two_admins_send_once(
    sign_in: SignIn, services: Services, world: World, workers: Workers
) -> None:
    world.worker(None)
    one, other = sign_in(name="sari"), sign_in(name="budi")
    campaign = saved(one, services)
    workers.look(campaign.id)
    presses(one, campaign, "approve")
    seen = kept.fingerprint(by_id(services.database, campaign.id))  # type: ignore[arg-type]
    for who in (one, one, other):
        who.sends(f"/admin/campaigns/{campaign.id}/send", {"seen": seen})
    assert workers.start() == ["first"]
    assert workers.start() == []
    one.sends(f"/admin/campaigns/{campaign.id}/send", {"seen": seen})
    assert services.database.value("SELECT count(*) FROM message") == 1
    assert [action for _, action in audited(services)].count("campaign.send") == 1


def test_what_was_changed_meanwhile_is_neither_approved_nor_sent(
    sign_in: SignIn, services: Services, world: World, workers: Workers
) -> None:
    world.worker(None)
    maker, other = sign_in(name="sari"), sign_in(name="budi")
    campaign = saved(maker, services)
    seen = kept.fingerprint(campaign)
    maker.sends(
        f"/admin/campaigns/{campaign.id}/edit",
        {"name": "first", "text_id": "Something else", "gateway": "africastalking"},
    )
    answer = other.sends(f"/admin/campaigns/{campaign.id}/approve", {"seen": seen})
    assert "changed meanwhile" in other.reads(answer.location)
    assert state(services, campaign) == "draft"
    other.sends(f"/admin/campaigns/{campaign.id}/send", {"seen": seen})
    assert state(services, campaign) == "draft"


class TestAboveTheThreshold:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return {**environ, "CAMPAIGN_APPROVAL_ABOVE": "2"}

    def test_ones_own_needs_somebody_else(
        self, sign_in: SignIn, services: Services, world: World, workers: Workers
    ) -> None:
        for _ in range(3):
            world.worker(None)
        maker, other = sign_in(name="sari"), sign_in(name="budi")
        campaign = saved(maker, services)
        answer = maker.sends(f"/admin/campaigns/{campaign.id}/approve", {"seen": kept.fingerprint(campaign)})
        assert "being counted" in maker.reads(answer.location)
        workers.look(campaign.id)
        page = maker.reads(f"/admin/campaigns/{campaign.id}/")
        assert "more than 2 recipients: somebody else must approve it" in page
        answer = maker.sends(f"/admin/campaigns/{campaign.id}/approve", {"seen": kept.fingerprint(campaign)})
        assert "It has 3 recipients. Above 2" in maker.reads(answer.location)
        assert state(services, campaign) == "draft"
        presses(other, campaign, "approve")
        assert state(services, campaign) == "approved"

    def test_one_that_has_grown_is_a_draft_again_and_says_why(
        self, sign_in: SignIn, services: Services, world: World, workers: Workers
    ) -> None:
        world.worker(None)
        maker = sign_in(name="sari")
        campaign = saved(maker, services)
        workers.look(campaign.id)
        presses(maker, campaign, "approve")
        for _ in range(3):
            world.worker(None)
        presses(maker, campaign, "send")
        assert workers.start() == []
        assert "could not be started and is a draft again" in maker.reads(f"/admin/campaigns/{campaign.id}/")
        workers.look(campaign.id)
        other = sign_in(name="budi")
        assert "Its start is over: it starts at once, to 4 recipients" in other.reads(
            f"/admin/campaigns/{campaign.id}/"
        )
        presses(other, campaign, "approve")
        assert workers.start() == ["first"]


def test_who_may_approve(sign_in: SignIn, services: Services, world: World, workers: Workers) -> None:
    world.worker(None)
    district, province = sign_in(Role.DISTRICT, "3273"), sign_in(Role.PROVINCE, "32")
    campaign = saved(district, services)
    workers.look(campaign.id)
    assert "An admin of the province or the ministry must approve it" in district.reads(
        f"/admin/campaigns/{campaign.id}/"
    )
    seen = kept.fingerprint(campaign)
    assert district.sends(f"/admin/campaigns/{campaign.id}/approve", {"seen": seen}).status_code == 403
    presses(province, campaign, "approve")
    presses(district, campaign, "send")
    assert workers.start() == ["first"]


def test_others_campaigns_are_read_or_not_there(
    sign_in: SignIn, services: Services, world: World, workers: Workers
) -> None:
    world.district("7371", "Kota Makassar", "Asia/Makassar")
    world.worker(None)
    world.worker(None, district="7371")
    ministry, bandung, makassar = sign_in(), sign_in(Role.DISTRICT, "3273"), sign_in(Role.DISTRICT, "7371")
    of_ministry, of_makassar = saved(ministry, services), saved(makassar, services, name="of Makassar")
    workers.look(of_ministry.id)
    page = bandung.reads("/admin/campaigns/")
    assert "first" in page
    assert "of Makassar" not in page
    for path in ("", "live", "preview", "edit"):
        assert bandung.opens(f"/admin/campaigns/{of_makassar.id}/{path}").status_code == 404
    for button in ("delete", "preview", "test", "send", "pause", "resume", "cancel", "rate", "cap", "unknowns"):
        assert bandung.sends(f"/admin/campaigns/{of_makassar.id}/{button}").status_code == 404, button
        assert bandung.sends(f"/admin/campaigns/{of_ministry.id}/{button}").status_code == 403, button
    assert bandung.opens(f"/admin/campaigns/{of_ministry.id}/preview").status_code == 404
    read = bandung.reads(f"/admin/campaigns/{of_ministry.id}/")
    assert "the ministry&#39;s: you see it" in read
    assert "<q>" not in read
    assert '<form method="post" action="/admin/campaigns/' not in read
    presses(ministry, of_ministry, "approve")
    presses(ministry, of_ministry, "send")
    workers.start()
    assert "of 2 recipients" in bandung.reads(f"/admin/campaigns/{of_ministry.id}/")


def test_a_test_phone_gets_one_sms_however_often_it_is_clicked(
    sign_in: SignIn, services: Services, clock: MovableClock
) -> None:
    officer = sign_in()
    campaign = saved(officer, services)
    form: dict[str, object] = {"phone": "0812 3456 7890", "language": "id", "key": "0" * 32}
    for _ in range(2):
        officer.sends(f"/admin/campaigns/{campaign.id}/test", form)
    sent = services.database.rows("SELECT phone, lane, body FROM message")
    assert sent == [("+6281234567890", "reply", "Yth. Siti Wulandari, daftar vaksinasi: *119#")]
    assert "1234567890" not in str(services.database.rows("SELECT subject, detail::text FROM audit"))
    assert [action for _, action in audited(services)].count("campaign.test") == 1
    assert "is on its way" in presses(officer, campaign, "test", phone="081234567890")
    assert "no phone number" in presses(officer, campaign, "test", phone="112")
    services.database.rows(
        "INSERT INTO opt_out (phone, source, since) VALUES ('+6281299999999', 'sms', %s)", (clock.now,)
    )
    assert "has opted out" in presses(officer, campaign, "test", phone="081299999999")
    for number in range(40):
        officer.sends(f"/admin/campaigns/{campaign.id}/test", {**form, "key": f"{number + 1:032x}"})
    assert services.database.value("SELECT count(*) FROM message") == 30


def test_a_draft_is_deleted_and_an_approved_campaign_is_not(
    sign_in: SignIn, services: Services, world: World, workers: Workers
) -> None:
    world.worker(None)
    officer = sign_in()
    campaign = saved(officer, services, name="one")
    assert "The draft is deleted." in presses(officer, campaign, "delete")
    assert state(services, campaign) == "deleted"
    approved = saved(officer, services, name="two")
    workers.look(approved.id)
    presses(officer, approved, "approve")
    officer.sends(f"/admin/campaigns/{approved.id}/delete")
    assert state(services, approved) == "approved"


def test_the_calendar_says_what_was_sent_and_what_comes(
    sign_in: SignIn, services: Services, world: World, clock: MovableClock
) -> None:
    officer = sign_in()
    assert "No reminder has been sent yet." in officer.reads("/admin/campaigns/")
    session = world.session(world.facility())
    world.database.rows("UPDATE vaccination_session SET taken = 1 WHERE id = %s", (session,))
    world.database.rows(
        "INSERT INTO campaign (name, kind, state, audience, gateway, recipients, created_by, created_at) "
        "VALUES ('reminder tomorrow 2021-01-13', 'reminder', 'finished', '{}', 'africastalking', 9, 'clock', %s)",
        (clock.now,),
    )
    page = officer.reads("/admin/campaigns/")
    assert re.search(r"Thu 14 Jan 06.00 WIB</time> <span>Two hours before", page)
    assert ">The day before an appointment</a>" in page
    sent = world.database.value("SELECT id FROM campaign WHERE kind = 'reminder'")
    page = officer.reads(f"/admin/campaigns/{sent}/")
    assert "<h1>The day before an appointment, Wed 13 Jan</h1>" in page
    assert "the clock, by itself" in page
    assert "reminder tomorrow" not in page
