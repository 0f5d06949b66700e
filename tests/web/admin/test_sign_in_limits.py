"""How often one may try to sign in, and what ends a session for good."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from flask import Flask

from bot.officers import accounts
from bot.officers.accounts import Role
from bot.officers.sessions import LONGEST
from bot.services import Services
from tests.web.admin.conftest import PASSWORD, MovableClock, Officer, SignIn


def test_signing_in_rightly_is_never_too_often(app: Flask, sign_in: SignIn) -> None:
    known = sign_in().name
    assert {Officer(app.test_client()).signs_in(known).status_code for _ in range(60)} == {302}


def test_who_signs_in_gives_nobody_more_tries(app: Flask, sign_in: SignIn) -> None:
    known = sign_in().name
    codes = []
    for _ in range(12):
        codes.append(Officer(app.test_client()).signs_in(known, "guess").status_code)
        if len(codes) < 8:
            assert Officer(app.test_client()).signs_in(known).status_code == 302
    assert codes == [401] * 8 + [429] * 4


def test_many_at_once_are_not_more_than_the_limit(app: Flask, sign_in: SignIn) -> None:
    known = sign_in().name
    officers = [Officer(app.test_client()) for _ in range(24)]
    tokens = [officer.token() for officer in officers]

    def tries(number: int) -> int:
        form = {"name": known, "password": "guess", "csrf_token": tokens[number]}
        return officers[number].client.post("/admin/sign-in", data=form).status_code

    with ThreadPoolExecutor(8) as threads:
        codes = list(threads.map(tries, range(24)))
    assert codes.count(401) == 8
    assert codes.count(429) == 16


def test_a_name_is_one_name_however_it_is_written(app: Flask, sign_in: SignIn) -> None:
    known = sign_in().name
    spellings = [known, known.upper(), f" {known} ", known.title()] * 3
    assert [Officer(app.test_client()).signs_in(name, "guess").status_code for name in spellings][8:] == [429] * 4


def test_one_address_has_forty_wrong_tries_whatever_the_names(app: Flask, services: Services) -> None:
    codes = [Officer(app.test_client()).signs_in(f"nobody{number}", "guess").status_code for number in range(42)]
    assert codes == [401] * 40 + [429] * 2


class TestBehindAProxy:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return {**environ, "CLIENT_ADDRESS_HEADER": "X-Forwarded-For", "TRUSTED_PROXIES": "127.0.0.1"}

    def test_each_caller_behind_the_proxy_has_tries_of_their_own(self, app: Flask, services: Services) -> None:
        for block in (1, 2):
            for number in range(40):
                officer = Officer(app.test_client())
                form = {"name": f"nobody{block}-{number}", "password": "guess", "csrf_token": officer.token()}
                headers = {"X-Forwarded-For": f"192.0.2.{block}"}
                assert officer.client.post("/admin/sign-in", data=form, headers=headers).status_code == 401


def test_a_copied_cookie_is_worth_nothing_after_signing_out(
    app: Flask, sign_in: SignIn, services: Services, clock: MovableClock
) -> None:
    officer = sign_in()
    cookie = officer.client.get_cookie("__Host-balas")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("__Host-balas", cookie.value)
    assert thief.get("/admin/account").status_code == 200
    officer.sends("/admin/sign-out")
    thief.set_cookie("__Host-balas", cookie.value)
    assert thief.get("/admin/account").status_code == 302
    # nothing is kept longer than the cookie could have lasted
    clock.set(clock.now + 2 * LONGEST)
    officer.signs_in(officer.name)
    officer.sends("/admin/sign-out")
    assert services.database.value("SELECT count(*) FROM ended_session") == 1


def test_signing_out_empties_the_browser(sign_in: SignIn) -> None:
    assert sign_in().sends("/admin/sign-out").headers["Clear-Site-Data"] == '"cache", "storage"'


def test_one_time_passwords_put_in_force_end_the_other_sessions(
    app: Flask, sign_in: SignIn, clock: MovableClock
) -> None:
    here = sign_in()
    elsewhere = Officer(app.test_client())
    elsewhere.signs_in(here.name)
    clock.passes(seconds=5)
    found = re.search(r"<code>([A-Z2-7]{16,})</code>", here.reads("/admin/account"))
    assert found is not None
    code = pyotp.TOTP(found[1]).at(int(clock.now.timestamp()))
    here.sends("/admin/account/totp", {"code": code, "password": PASSWORD})
    assert elsewhere.opens("/admin/account").status_code == 302
    assert "in force" in here.reads("/admin/account")


def test_the_cookie_says_what_browsers_must_keep_to(sign_in: SignIn) -> None:
    officer = sign_in()
    first = Officer(officer.client.application.test_client()).opens("/admin/sign-in")
    for each in (
        first.headers["Set-Cookie"],
        officer.sends("/admin/language", {"language": "en"}).headers["Set-Cookie"],
    ):
        name, *flags = [part.strip() for part in each.split(";")]
        assert name.startswith("__Host-balas=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(flags)
        assert not any(flag.startswith("Domain") for flag in flags)


def test_an_open_browser_is_not_enough_to_take_an_account_over(
    sign_in: SignIn, services: Services, clock: MovableClock
) -> None:
    officer = sign_in()
    found = re.search(r"<code>([A-Z2-7]{16,})</code>", officer.reads("/admin/account"))
    assert found is not None
    code = pyotp.TOTP(found[1]).at(int(clock.now.timestamp()))
    for password in ("", "guess"):
        officer.sends("/admin/account/totp", {"code": code, "password": password})
        officer.sends("/admin/account/password", {"old": password, "new": "the thief's own password"})
    assert accounts.every(services.database)[0].has_totp is False
    with officer.client.session_transaction() as session:
        assert found[1] not in str(dict(session))


def test_the_password_cannot_be_guessed_from_within_a_session_either(app: Flask, sign_in: SignIn) -> None:
    officer = sign_in()
    codes = [
        officer.sends("/admin/account/password", {"old": f"guess {number}", "new": "another long one"}).status_code
        for number in range(10)
    ]
    assert codes == [302] * 8 + [429] * 2
    officer.sends("/admin/account/password", {"old": PASSWORD, "new": "another long one"})
    assert Officer(app.test_client()).signs_in(officer.name, "another long one").status_code == 429


def test_a_session_that_was_planted_is_not_the_one_that_is_signed_in(app: Flask, services: Services) -> None:
    accounts.add(services.database, "sari", Role.NATIONAL, None, PASSWORD, now=services.clock.now(), actor="tests")
    thief = Officer(app.test_client())
    token = thief.token()
    planted = thief.client.get_cookie("__Host-balas")
    assert planted is not None
    victim = Officer(app.test_client())
    victim.client.set_cookie("__Host-balas", planted.value)
    assert victim.signs_in("sari").status_code == 302
    assert thief.opens("/admin/account").status_code == 302
    assert victim.token() != token
