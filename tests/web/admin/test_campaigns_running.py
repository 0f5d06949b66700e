"""A campaign that is under way, in the browser: watched, paused, ended, its unknown messages decided."""

from __future__ import annotations

from bot.campaigns.record import Campaign, by_id
from bot.services import Services
from tests.web.admin.campaign_acts import Workers, presses, state, workers
from tests.web.admin.conftest import MovableClock, Officer, SignIn
from tests.web.admin.test_composer import saved
from tests.world import World

__all__ = ["workers"]


def running(officer: Officer, services: Services, workers: Workers) -> Campaign:
    campaign = saved(officer, services)
    workers.look(campaign.id)
    presses(officer, campaign, "approve")
    presses(officer, campaign, "send")
    assert workers.start() == ["first"]
    return campaign


def test_what_was_taken_back_is_not_handed_over(
    sign_in: SignIn, services: Services, world: World, workers: Workers
) -> None:
    world.worker(None)
    officer = sign_in()
    campaign = running(officer, services, workers)
    assert "Handed over: 0.0 %" in officer.reads("/admin/campaigns/")
    world.database.rows("UPDATE attempt SET state = 'settled' WHERE campaign_id = %s", (campaign.id,))
    assert "Handed over: 100.0 %" in officer.reads("/admin/campaigns/")
    world.database.rows(
        "INSERT INTO attempt (lane, gateway, campaign_id, language, time_zone, number, size, state, created_at, due_at) "
        "SELECT lane, gateway, campaign_id, language, time_zone, 2, size, 'queued', created_at, created_at FROM attempt "
        "WHERE campaign_id = %s",
        (campaign.id,),
    )
    assert "Handed over: 0.0 %" in officer.reads("/admin/campaigns/")
    world.database.rows(
        "UPDATE attempt SET state = 'cancelled' WHERE campaign_id = %s AND state = 'queued'", (campaign.id,)
    )
    assert "Handed over: 0.0 %" in officer.reads("/admin/campaigns/")


def test_pause_resume_rate_and_cancel(
    sign_in: SignIn, services: Services, world: World, workers: Workers, clock: MovableClock
) -> None:
    world.worker(None)
    officer = sign_in()
    campaign = running(officer, services, workers)
    assert "Paused." in presses(officer, campaign, "pause")
    assert state(services, campaign) == "paused"
    officer.sends(f"/admin/campaigns/{campaign.id}/pause")
    assert "somebody else was faster" in officer.reads(f"/admin/campaigns/{campaign.id}/")
    assert "It goes on" in presses(officer, campaign, "resume")
    assert "counts at once" in presses(officer, campaign, "rate", rate="7,5")
    assert "A number above 0" in presses(officer, campaign, "rate", rate="fast")
    found = by_id(services.database, campaign.id)
    assert found is not None
    assert found.rate == 7.5
    assert officer.sends(f"/admin/campaigns/{campaign.id}/edit", {}).status_code == 409
    assert officer.opens(f"/admin/campaigns/{campaign.id}/edit").location == f"/admin/campaigns/{campaign.id}/"
    assert "Cancelled for good" in presses(officer, campaign, "cancel")
    assert state(services, campaign) == "cancelled"
    assert "bot.jobs.end_campaigns" in workers.waiting()
    workers.messages_go("suppressed", "cancelled")
    clock.passes(minutes=1)
    page = officer.reads(f"/admin/campaigns/{campaign.id}/")
    assert "<b>0</b> of 1 recipients" in page
    assert "<td>cancelled</td>" in page


def test_unknown_messages_are_decided(sign_in: SignIn, services: Services, world: World, workers: Workers) -> None:
    for _ in range(3):
        world.worker(None)
    officer = sign_in()
    campaign = running(officer, services, workers)
    workers.messages_go("unknown")
    page = officer.reads(f"/admin/campaigns/{campaign.id}/")
    assert "3 messages of unknown fate" in page
    assert "who did get the first one gets it twice" in page
    assert "3 messages are left" in presses(officer, campaign, "unknowns", decision="leave")
    assert "messages of unknown fate" not in officer.reads(f"/admin/campaigns/{campaign.id}/")
    services.database.rows("UPDATE message SET reason = NULL")
    assert "3 messages are sent again" in presses(officer, campaign, "unknowns", decision="resend")
    assert services.database.value("SELECT count(*) FROM message WHERE state = 'queued'") == 3
