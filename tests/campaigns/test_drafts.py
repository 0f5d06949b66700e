"""Drafts that change and go, what is approved as it was seen, and figures that are kept for pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from zoneinfo import ZoneInfo

import pytest

from bot.campaigns import drafts, estimating, kept, launching, reminder_calendar, shelf
from bot.campaigns.campaigns import CampaignError
from bot.campaigns.composing import Composer
from bot.campaigns.plans import Plan
from bot.campaigns.preview import Price
from bot.campaigns.record import Campaign, NotNow, find
from bot.campaigns.reminder_calendar import Kind
from bot.config import SendingWindow
from bot.db.database import Database
from bot.officers.areas import Area
from bot.registration.closing import close_at
from tests.campaigns.office import HELLO, MAKER, Office
from tests.world import tomorrow


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url, limit=10)
    yield Office(database)
    database.close()


def change(office: Office, of: str = "blast", **features: object) -> None:
    wanted = Plan(**{"name": "blast", "texts": {"id": HELLO}, "gateway": "africastalking", **features})  # type: ignore[arg-type]
    drafts.change(office.database, of, wanted, office.gateways, now=office.now, actor=MAKER)


def look(office: Office, campaign: Campaign) -> None:
    window = SendingWindow(time(8), time(20))
    kept.look(
        *(office.database, campaign.id, Composer("*119#", "1199"), office.now), window=window, price=Price(None, "IDR")
    )


def approve(office: Office, seen: str, actor: str = "web:sri") -> None:
    drafts.approve(office.database, "blast", seen, now=office.now, actor=actor, approval_above=2)


def test_a_draft_is_changed_in_all_that_it_says(office: Office) -> None:
    office.create(texts={"id": HELLO, "en": "Hello"})
    change(office, name="other", texts={"id": "Lain"}, rate=3.0, audience={"districts": ["3273"]})
    found = find(office.database, "other")
    assert (found.texts, found.rate, found.audience) == ({"id": "Lain"}, 3.0, {"districts": ["3273"]})
    assert found.created_by == MAKER
    office.create("third")
    with pytest.raises(CampaignError, match="already"):
        change(office, "other", name="third")
    with pytest.raises(CampaignError, match="placeholder"):
        change(office, "other", texts={"id": "{nama}"})
    assert find(office.database, "other").texts == {"id": "Lain"}
    assert office.audited() == ["campaign.create", "campaign.change", "campaign.create"]


def test_what_is_approved_is_neither_changed_nor_deleted(office: Office) -> None:
    office.create()
    office.approve_own()
    with pytest.raises(NotNow):
        change(office)
    with pytest.raises(NotNow):
        drafts.delete(office.database, "blast", now=office.now, actor=MAKER)


def test_deleting_leaves_nothing_but_the_audit(office: Office) -> None:
    look(office, office.create())
    drafts.delete(office.database, "blast", now=office.now, actor=MAKER)
    for table in ("campaign", "campaign_text", "figure_snapshot"):
        assert office.database.value(f"SELECT count(*) FROM {table}") == 0
    assert office.audited()[-1] == "campaign.delete"


def test_a_preview_is_of_the_campaign_as_it_is(office: Office) -> None:
    office.workers(3)
    campaign = office.create()
    assert kept.looked_at(office.database, campaign) is None
    look(office, campaign)
    found = kept.looked_at(office.database, campaign)
    assert found is not None
    assert found.body["recipients"] == 3
    change(office, texts={"id": "Lain"})
    assert kept.looked_at(office.database, find(office.database, "blast")) is None


def test_ones_own_is_approved_by_what_was_counted_and_by_others_at_once(office: Office) -> None:
    office.workers(3)
    campaign = office.create()
    seen = kept.fingerprint(campaign)
    with pytest.raises(drafts.NotLookedAt):
        approve(office, seen, "web:Budi")
    look(office, campaign)
    with pytest.raises(drafts.NeedsAnother) as refused:
        approve(office, seen, "web:Budi")
    assert (refused.value.recipients, refused.value.threshold) == (3, 2)
    with pytest.raises(drafts.Changed):
        approve(office, "another")
    approve(office, seen)
    assert find(office.database, "blast").approved_by == "web:sri"
    with pytest.raises(NotNow):
        approve(office, seen)


def test_what_is_marked_is_started_once_by_the_clock(office: Office) -> None:
    office.workers(2)
    campaign = office.create()
    seen = kept.fingerprint(campaign)

    def send() -> bool:
        return drafts.send(office.database, "blast", seen, now=office.now, actor="web:sri")

    with pytest.raises(NotNow):
        send()
    approve(office, seen)
    assert [send(), send()] == [True, False]
    assert drafts.is_starting(find(office.database, "blast"), office.now)
    started = launching.start_due(office.database, office.gateways, office.now, approval_above=2)
    assert started == ["blast"]
    assert not send()
    assert office.database.value("SELECT count(*) FROM message") == 2


def test_large_campaigns_are_counted_by_a_worker(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "COUNTED_AT_ONCE", 2)
    office.workers(3)
    campaign = office.running()
    assert kept.counted(office.database, campaign, office.now) == (None, True)
    kept.count(office.database, campaign.id, office.now)
    found, wanted = kept.counted(office.database, campaign, office.now)
    assert found is not None
    assert (found.body["queued"], wanted) == (3, False)
    office.passes(seconds=3)
    assert kept.counted(office.database, campaign, office.now)[1]
    # a count that comes late does not put an older one over a newer
    kept.count(office.database, campaign.id, office.now)
    office.database.rows("UPDATE message SET state = 'delivered'")
    office.passes(seconds=-2)
    kept.count(office.database, campaign.id, office.now)
    found, _ = kept.counted(office.database, campaign, office.now)
    assert found is not None
    assert found.body["queued"] == 3


def test_who_sees_which_campaigns(office: Office) -> None:
    office.world.district("3171", "Jakarta Pusat")
    everybody = office.create("of all")
    bandung = office.create("of Bandung", audience={"area": {"district": "3273"}})
    jakarta = office.create("of Jakarta", audience={"area": {"district": "3171"}})
    west_java = office.create("of West Java", audience={"area": {"province": "32"}})
    seen = {
        "ministry": (Area(), [west_java, jakarta, bandung, everybody]),
        "West Java": (Area(province_code="32"), [west_java, bandung, everybody]),
        "Bandung": (Area(district_code="3273"), [bandung, everybody]),
    }
    for area, wanted in seen.values():
        assert shelf.listed(office.database, area) == wanted
        for campaign in (everybody, bandung, jakarta, west_java):
            assert (shelf.seen(office.database, campaign.id, area) is not None) is (campaign in wanted)
            assert shelf.is_seen(office.database, campaign.name, area) is (campaign in wanted)
            own = campaign in wanted and (campaign is not everybody or area.is_country)
            assert shelf.is_own(office.database, campaign, area) is own
    words = shelf.spoken(office.database, bandung.audience, "en")
    assert words == "within the district Kota Bandung"


def test_an_area_limits_whom_a_campaign_reaches(office: Office) -> None:
    office.world.district("7371", "Kota Makassar", "Asia/Makassar")
    office.workers(2)
    office.workers(1, district="7371")
    for area, many in (({"district": "7371"}, 1), ({"province": "32"}, 2), (None, 3)):
        mapping = shelf.limited({"area": {"district": "9999"}, "states": ["not_invited"]}, area)
        campaign = office.create(f"of {area}", audience=mapping)
        found = estimating.estimate(office.database, campaign, office.now)
        assert found is not None
        assert (found.recipients, found.exact) == (many, True)
    with pytest.raises(CampaignError, match="area"):
        office.create("wrong", audience={"area": {"city": "3273"}})


def test_a_large_roster_is_estimated_from_a_sample(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.database.rows(
        "INSERT INTO worker (nik_hash, nik_sealed, nik_tail, name, birth_date, sex, phone, district_code, created_at, "
        "updated_at) SELECT sha256(i::text::bytea), '', '1234', 'Siti', '1985-08-17', 'F', '+62812' || (10000000 + i), "
        "'3273', now(), now() FROM generate_series(1, 20000) AS i"
    )
    office.database.rows("ANALYZE worker")
    found = estimating.estimate(office.database, office.create(audience={"states": ["not_invited"]}), office.now)
    assert found is not None
    assert not found.exact
    assert 2_000 < found.sampled < 4_000
    assert 14_000 < found.recipients < 26_000


def test_the_calendar_of_reminders(office: Office) -> None:
    here = ZoneInfo("Asia/Jakarta")
    assert reminder_calendar.coming(office.database, here, office.now) == ([], False)
    day, hour = tomorrow()
    session = office.world.session(office.world.facility(), day=day, start=hour)
    office.database.rows("UPDATE vaccination_session SET taken = 1 WHERE id = %s", (session,))
    office.passes(hours=-1)
    close_at(office.database, office.now.replace(hour=17), now=office.now, actor="cli:root")
    coming, _ = reminder_calendar.coming(office.database, here, office.now)
    told = [(each.kind, each.at and f"{each.at.astimezone(here):%d %H.%M}") for each in coming]
    assert told == [
        (Kind.DAY_BEFORE, "13 09.00"),
        (Kind.CLOSING, "13 21.00"),
        (Kind.TWO_HOURS, "14 06.00"),
    ]


def test_the_calendar_of_a_country_is_made_by_a_worker(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminder_calendar, "_FEW", -2)
    here = ZoneInfo("Asia/Jakarta")
    day, hour = tomorrow()
    session = office.world.session(office.world.facility(), day=day, start=hour)
    office.database.rows("UPDATE vaccination_session SET taken = 1 WHERE id = %s", (session,))
    assert reminder_calendar.coming(office.database, here, office.now) == ([], True)
    reminder_calendar.keep_days(office.database, here, office.now)
    coming, stale = reminder_calendar.coming(office.database, here, office.now)
    assert ([each.kind for each in coming], stale) == ([Kind.TWO_HOURS], False)
    office.passes(minutes=2)
    assert reminder_calendar.coming(office.database, here, office.now)[1]
