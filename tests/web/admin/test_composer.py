"""Composing: what a text and a choice come to as one types, and drafts that are saved, changed and kept within an area."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest

from bot.campaigns import recipients
from bot.campaigns.record import Campaign, by_id
from bot.officers.accounts import Role
from bot.registration.closing import close_at
from bot.services import Services
from tests.web.admin.conftest import Officer, SignIn
from tests.world import World

HELLO = "Yth. {name}, daftar vaksinasi: {ussd_code}"


def form(**fields: object) -> dict[str, object]:
    return {"name": "first", "text_id": HELLO, "gateway": "africastalking", **fields}


def saved(officer: Officer, services: Services, **fields: object) -> Campaign:
    answer = officer.sends("/admin/campaigns/new", form(**fields))
    assert answer.status_code == 302, answer.get_data(as_text=True)
    found = by_id(services.database, int(answer.location.rstrip("/").rsplit("/", 1)[1]))
    assert found is not None
    return found


def phones_of(services: Services, campaign: Campaign) -> set[str]:
    chosen = recipients.selection(campaign, services.clock.now())
    return {row[1] for row in services.database.rows(chosen.sql, chosen.parameters)}


@pytest.fixture
def two_districts(world: World) -> tuple[str, str]:
    """A worker in Bandung and one in Makassar, by their numbers."""
    world.district("7371", "Kota Makassar", "Asia/Makassar")
    bandung, makassar = world.worker(None), world.worker(None, district="7371")
    assert bandung.phone is not None
    assert makassar.phone is not None
    return bandung.phone, makassar.phone


def test_a_text_is_measured_as_one_types(sign_in: SignIn) -> None:
    officer = sign_in()

    def measured(text: str) -> str:
        answer = officer.sends("/admin/campaigns/text", {"of": "id", "text_id": text})
        assert answer.status_code == 200
        return answer.get_data(as_text=True)

    assert "No text yet." in measured("")
    told = measured("Halo {name}, {nama} 中")
    assert "<b>SMS parts: 1</b>" in told
    assert "{nama}" in told.split("Unknown placeholders:")[1]
    assert "中" in told.split("A plain SMS cannot carry")[1]
    assert "replaced by plain ones" in measured("“Halo”")
    assert "GSM-7: the cheapest" in measured("Halo")
    assert "<script>" not in measured("<script>{name}")


def test_an_audience_is_counted_and_said_in_words_as_one_chooses(
    sign_in: SignIn, world: World, two_districts: tuple[str, str]
) -> None:
    officer = sign_in()
    for language, words in (("en", "in district Kota Bandung"), ("id", "di kabupaten/kota Kota Bandung")):
        officer.sends("/admin/language", {"language": language})
        answer = officer.sends("/admin/campaigns/audience", {"text_id": HELLO, "districts": "3273"})
        told = answer.get_data(as_text=True)
        assert words in told
        assert "<b>1</b>" in told
    answer = officer.sends("/admin/campaigns/audience", {"states": "dreaming"})
    assert "dreaming" in answer.get_data(as_text=True)


def test_everything_that_is_chosen_is_saved_and_shown_again(sign_in: SignIn, services: Services, world: World) -> None:
    world.facility(code="F-1")
    officer = sign_in()
    officer.sends("/admin/campaigns/new", form(name="earlier"))
    draft = saved(
        officer,
        services,
        text_en="Dear {name}",
        provinces=["32"],
        districts=["3273"],
        facilities="F-1",
        professions="Bidan, Perawat",
        states=["invited", "started"],
        silent_for_hours="6",
        stopped_at=["offer"],
        languages=["id", "en"],
        campaign="earlier",
        outcomes=["not_delivered"],
        rate="12,5",
        start_at="2021-01-13T10:30",
        any_hour="yes",
    )
    assert draft.audience == {
        "provinces": ["32"],
        "districts": ["3273"],
        "facilities": ["F-1"],
        "professions": ["Bidan", "Perawat"],
        "states": ["invited", "started"],
        "silent_for_hours": 6.0,
        "stopped_at": ["offer"],
        "languages": ["id", "en"],
        "campaign": {"name": "earlier", "outcome": ["not_delivered"]},
    }
    assert (draft.rate, draft.ignore_quiet_hours, draft.created_by) == (12.5, True, "national-all")
    assert draft.start_at is not None
    assert draft.start_at.isoformat() == "2021-01-13T03:30:00+00:00"
    page = officer.reads(f"/admin/campaigns/{draft.id}/edit")
    for shown in (
        "Bidan, Perawat",
        "2021-01-13T10:30",
        'value="12.5"',
        'value="offer" checked',
        "<option selected>earlier",
    ):
        assert shown in page


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": " "}, "needs a name"),
        ({"text_id": ""}, "needs a text in Indonesian"),
        ({"text_id": "Halo {nama}"}, "cannot be sent yet"),
        ({"rate": "-3"}, "a number above 0"),
        ({"start_at": "yesterday"}, "A day and an hour"),
        ({"start_at": "2021-01-01T10:00"}, "over already"),
        ({"most_cost": "100"}, "SMS_PRICE"),
        ({"phones": "0812-3"}, "no phone number"),
        ({"campaign": "of nobody", "outcomes": "delivered"}, "no campaign of that name"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    sign_in: SignIn, services: Services, fields: dict[str, object], told: str
) -> None:
    answer = sign_in().sends("/admin/campaigns/new", form(districts="3273", **fields))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert told in page.split('role="alert"')[1].split("</p>")[0]
    assert 'value="3273" selected' in page
    assert services.database.value("SELECT count(*) FROM campaign") == 0


def test_what_is_wrong_is_said_in_the_admins_language(sign_in: SignIn, services: Services) -> None:
    officer = sign_in(language="id")
    for fields, fault in (
        ({"gateway": "pigeon"}, "Gerbang harus salah satu dari "),
        ({"districts": "9999"}, "Sasaran: tidak ada kabupaten/kota 9999."),
        ({"silent_for_hours": "9000"}, "paling banyak 8.760."),
        ({"phones": "0812 3456 7890\nabc"}, "yang ke-2 bukan nomor telepon"),
    ):
        answer = officer.sends("/admin/campaigns/new", form(**fields))
        assert answer.status_code == 422
        assert fault in answer.get_data(as_text=True)


def test_a_text_may_not_name_an_end_that_is_not_set_without_a_warning(sign_in: SignIn, services: Services) -> None:
    officer = sign_in()
    campaign = saved(officer, services, text_id="Daftar sebelum {closes}.")
    page = f"/admin/campaigns/{campaign.id}/"
    assert "which is not set" in officer.reads(page)
    close_at(services.database, services.clock.now() + timedelta(days=1), now=services.clock.now(), actor="tests")
    assert "which is not set" not in officer.reads(page)


def test_a_draft_sent_twice_by_a_double_click_is_saved_once(sign_in: SignIn, services: Services) -> None:
    officer = sign_in()
    saved(officer, services)
    assert officer.sends("/admin/campaigns/new", form()).status_code == 422
    assert services.database.value("SELECT count(*) FROM campaign") == 1


def test_numbers_are_pasted_or_come_from_a_file_and_are_never_shown(
    sign_in: SignIn, services: Services, world: World
) -> None:
    officer = sign_in()
    file = (io.BytesIO(b"phone,name\n+6281200000009,Siti\n"), "numbers.csv")
    draft = saved(officer, services, phones="0812 0000 0008\n", phones_file=file)
    assert draft.audience["phones"] == ["0812 0000 0008", "+6281200000009"]
    page = officer.reads(f"/admin/campaigns/{draft.id}/edit")
    assert "Keep the 2 numbers" in page
    assert "0000009" not in page + officer.reads(f"/admin/campaigns/{draft.id}/")
    path = f"/admin/campaigns/{draft.id}/edit"
    officer.sends(path, form(name="renamed", keep_phones="yes"))
    changed = by_id(services.database, draft.id)
    assert changed is not None
    assert (changed.name, len(changed.audience["phones"])) == ("renamed", 2)
    officer.sends(path, form(name="renamed"))
    changed = by_id(services.database, draft.id)
    assert changed is not None
    assert "phones" not in changed.audience


def test_a_long_list_comes_as_a_file(sign_in: SignIn, services: Services) -> None:
    lines = "".join(f"+62812{number:08d}\n" for number in range(20_000))
    draft = saved(sign_in(), services, phones_file=(io.BytesIO(lines.encode()), "numbers.txt"))
    assert len(draft.audience["phones"]) == 20_000


@pytest.mark.parametrize(("role", "area"), [(Role.DISTRICT, "3273"), (Role.PROVINCE, "32")])
def test_an_areas_admin_reaches_their_area_alone_whatever_they_ask_for(
    sign_in: SignIn, services: Services, two_districts: tuple[str, str], role: Role, area: str
) -> None:
    officer = sign_in(role, area)
    assert "Makassar" not in officer.reads("/admin/campaigns/new")
    everybody = saved(officer, services, name="everybody")
    elsewhere = saved(officer, services, name="elsewhere", districts="7371", area="", phones="\n".join(two_districts))
    by_number = saved(officer, services, name="by number", phones="\n".join(two_districts))
    assert phones_of(services, everybody) == {two_districts[0]}
    assert phones_of(services, elsewhere) == set()
    assert phones_of(services, by_number) == {two_districts[0]}
    told = officer.sends("/admin/campaigns/audience", {"districts": "7371"}).get_data(as_text=True)
    assert "<b>0</b>" in told
    # the limit stays when the draft is changed, also by the ministry
    ministry = sign_in()
    for who in (officer, ministry):
        assert who.sends(f"/admin/campaigns/{everybody.id}/edit", form(name="everybody")).status_code == 302
        changed = by_id(services.database, everybody.id)
        assert changed is not None
        assert phones_of(services, changed) == {two_districts[0]}


def test_drafts_of_others_are_not_changed(sign_in: SignIn, services: Services, two_districts: tuple[str, str]) -> None:
    ministry, makassar, bandung = sign_in(), sign_in(Role.DISTRICT, "7371"), sign_in(Role.DISTRICT, "3273")
    of_ministry, of_makassar = saved(ministry, services), saved(makassar, services, name="of Makassar")
    assert bandung.sends(f"/admin/campaigns/{of_ministry.id}/edit", form(name="mine")).status_code == 403
    assert bandung.sends(f"/admin/campaigns/{of_makassar.id}/edit", form(name="mine")).status_code == 404
    # nor is another district's campaign asked about
    answer = bandung.sends(
        "/admin/campaigns/new", form(name="of Bandung", campaign="of Makassar", outcomes="delivered")
    )
    assert answer.status_code == 422
    assert [name for (name,) in services.database.rows("SELECT name FROM campaign ORDER BY id")] == [
        "first",
        "of Makassar",
    ]
