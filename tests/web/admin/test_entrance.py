"""Signing in and out, and how a session ends."""

from __future__ import annotations

import re

import pyotp
import pytest
from flask import Flask

from bot.officers import accounts
from bot.officers.accounts import Role
from bot.services import Services
from tests.web.admin.conftest import PASSWORD, MovableClock, Officer, SignIn


def test_a_page_asks_who_is_there_and_goes_on_to_it(app: Flask, services: Services) -> None:
    accounts.add(services.database, "sari", Role.NATIONAL, None, PASSWORD, now=services.clock.now(), actor="tests")
    officer = Officer(app.test_client())
    answer = officer.opens("/admin/account")
    assert answer.status_code == 302
    assert answer.location.startswith("/admin/sign-in?next=")
    answer = officer.client.post(
        answer.location, data={"name": "SARI", "password": PASSWORD, "csrf_token": officer.token()}
    )
    assert answer.location == "/admin/account"
    assert "sari" in officer.reads("/admin/account")


def test_a_part_of_a_page_takes_the_whole_page_to_the_entrance(app: Flask, services: Services) -> None:
    answer = app.test_client().get("/admin/account", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/admin/sign-in")


@pytest.mark.parametrize(
    "target", ["https://evil.example/admin/", "//evil.example/admin/", "/admin/\\evil", "/simulator/"]
)
def test_it_never_goes_on_to_somewhere_else(sign_in: SignIn, target: str) -> None:
    officer = sign_in()
    answer = officer.client.post(
        "/admin/sign-in",
        query_string={"next": target},
        data={"name": officer.name, "password": PASSWORD, "csrf_token": officer.token()},
    )
    assert answer.location == "/admin/"


def test_a_wrong_name_and_a_wrong_password_read_the_same(app: Flask, sign_in: SignIn) -> None:
    known = sign_in().name
    stranger = Officer(app.test_client())
    told = [stranger.signs_in(name, "not the password") for name in (known, "nobody")]
    assert [answer.status_code for answer in told] == [401, 401]
    texts = [re.sub(r'value="[^"]*"', "", answer.get_data(as_text=True)) for answer in told]
    assert texts[0] == texts[1]


def test_tries_are_limited_by_name(app: Flask, sign_in: SignIn) -> None:
    known = sign_in().name
    codes = [Officer(app.test_client()).signs_in(known, "guess").status_code for _ in range(9)]
    assert codes[0] == 401
    assert codes[-1] == 429
    assert Officer(app.test_client()).signs_in(known).status_code == 429


def test_a_form_without_its_token_changes_nothing(sign_in: SignIn) -> None:
    officer = sign_in()
    for token in ("", "another"):
        answer = officer.client.post("/admin/sign-out", data={"csrf_token": token})
        assert answer.status_code == 400
    assert officer.opens("/admin/account").status_code == 200


def test_a_session_ends_by_itself_by_signing_out_and_when_the_admin_is_disabled(
    sign_in: SignIn, services: Services, clock: MovableClock
) -> None:
    officer = sign_in()
    clock.passes(minutes=29)
    assert officer.opens("/admin/account").status_code == 200
    clock.passes(minutes=31)
    assert officer.opens("/admin/account").status_code == 302
    officer.signs_in(officer.name)
    for _ in range(25):
        clock.passes(minutes=29)
        officer.opens("/admin/account")
    assert officer.opens("/admin/account").status_code == 302
    officer.signs_in(officer.name)
    officer.sends("/admin/sign-out")
    assert officer.opens("/admin/account").status_code == 302
    officer.signs_in(officer.name)
    services.database.rows("UPDATE admin SET disabled_at = %s", (services.clock.now(),))
    assert officer.opens("/admin/account").status_code == 302
    assert officer.signs_in(officer.name).status_code == 401


def test_a_page_that_renews_itself_does_not_keep_a_session_alive(sign_in: SignIn, clock: MovableClock) -> None:
    officer = sign_in()
    for _ in range(3):
        clock.passes(minutes=10)
        assert officer.client.get("/admin/account", headers={"HX-Request": "true"}).status_code == 200
    clock.passes(minutes=1)
    assert officer.opens("/admin/account").status_code == 302


def test_what_the_browser_had_before_signing_in_is_dropped(sign_in: SignIn) -> None:
    officer = sign_in()
    with officer.client.session_transaction() as session:
        session["planted"] = "yes"
        old = session.get("csrf")
    officer.signs_in(officer.name)
    with officer.client.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf") != old or old is None


def test_a_one_time_password_is_asked_for_and_counts_once(
    sign_in: SignIn, services: Services, clock: MovableClock
) -> None:
    officer = sign_in()
    found = re.search(r"<code>([A-Z2-7]{16,})</code>", officer.reads("/admin/account"))
    assert found is not None
    app_on_phone = pyotp.TOTP(found[1])
    officer.sends("/admin/account/totp", {"password": PASSWORD, "code": "000000"})
    assert accounts.every(services.database)[0].has_totp is False
    officer.sends("/admin/account/totp", {"password": PASSWORD, "code": app_on_phone.at(int(clock.now.timestamp()))})
    assert accounts.every(services.database)[0].has_totp
    officer.sends("/admin/sign-out")
    assert 'name="code"' in officer.signs_in(officer.name).get_data(as_text=True)
    # the code with which it was set up has been used
    assert officer.signs_in(officer.name, code=app_on_phone.at(int(clock.now.timestamp()))).status_code == 401
    clock.passes(seconds=60)
    code = app_on_phone.at(int(clock.now.timestamp()))
    assert officer.signs_in(officer.name, code=code).status_code == 302
    officer.sends("/admin/sign-out")
    assert officer.signs_in(officer.name, code=code).status_code == 401


def test_changing_the_password_ends_the_other_sessions(sign_in: SignIn, app: Flask, clock: MovableClock) -> None:
    here = sign_in()
    elsewhere = Officer(app.test_client())
    elsewhere.signs_in(here.name)
    clock.passes(seconds=5)
    here.sends("/admin/account/password", {"old": "wrong", "new": "another long one"})
    assert elsewhere.opens("/admin/account").status_code == 200
    here.sends("/admin/account/password", {"old": PASSWORD, "new": "another long one"})
    assert elsewhere.opens("/admin/account").status_code == 302
    assert here.opens("/admin/account").status_code == 200
    assert Officer(app.test_client()).signs_in(here.name, "another long one").status_code == 302


class TestRequiredOneTimePasswords:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return {**environ, "ADMIN_TOTP": "1"}

    def test_the_ministry_must_set_one_up_first(self, sign_in: SignIn) -> None:
        officer = sign_in()
        assert officer.opens("/admin/").location == "/admin/account"

    def test_a_district_need_not(self, sign_in: SignIn) -> None:
        assert sign_in(Role.DISTRICT, "3273").opens("/admin/account").status_code == 200


def test_the_language_is_chosen_and_kept(sign_in: SignIn) -> None:
    officer = sign_in(language="en")
    assert "My account" in officer.reads("/admin/account")
    officer.sends("/admin/language", {"language": "id", "back": "/admin/account"})
    assert "Akun saya" in officer.reads("/admin/account")


def test_who_has_signed_out_and_whose_session_is_over_are_told_so_in_their_language(
    sign_in: SignIn, clock: MovableClock
) -> None:
    for language, signed_out, over in (
        ("en", "You are signed out.", "Your session is over."),
        ("id", "Bapak/Ibu telah keluar.", "Sesi Bapak/Ibu telah berakhir."),
    ):
        officer = sign_in(name=f"sari-{language}", language=language)
        officer.sends("/admin/sign-out")
        assert signed_out in officer.reads("/admin/sign-in")
        assert signed_out not in officer.reads("/admin/sign-in")
        officer.signs_in(officer.name)
        clock.passes(hours=1)
        assert officer.opens("/admin/account").status_code == 302
        assert over in officer.reads("/admin/sign-in")


def test_an_address_that_leads_nowhere_says_so_and_leads_back(sign_in: SignIn, app: Flask) -> None:
    officer = sign_in()
    for path in ("/admin/nowhere", "/admin/users/999999", "/admin/a/b/c"):
        answer = officer.opens(path)
        page = answer.get_data(as_text=True)
        assert (answer.status_code, "There is nothing here" in page, 'href="/admin/"' in page) == (404, True, True)
    assert officer.opens("/admin/users").location.endswith("/admin/users/")
    assert Officer(app.test_client()).opens("/admin/nowhere").location.startswith("/admin/sign-in")


def test_a_mistake_of_ours_is_a_page_with_the_number_under_which_it_is_logged(
    sign_in: SignIn, services: Services
) -> None:
    officer = sign_in()
    services.database.rows("ALTER TABLE audit RENAME TO audit_away")
    answer = officer.opens("/admin/system/audit")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "Something went wrong on our side" in page
    assert f"<code>{answer.headers['X-Request-Id']}</code>" in page
    assert "audit_away" not in page
