"""From where gateways call, how often, and whose word about an address is believed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from bot.config import SettingError, callers_of, load
from bot.web.app import create_app
from bot.web.callers import NOWHERE, Admission, Callers
from tests.phones import WEBHOOK_SECRET
from tests.test_config import REQUIRED
from tests.world import World

_sessions = count(1)
LIST = {"AFRICASTALKING_ALLOW": "203.0.113.7, 198.51.100.0/24, 2001:db8::/32"}
PROXY = {"CLIENT_ADDRESS_HEADER": "X-Forwarded-For", "TRUSTED_PROXIES": "10.0.0.0/8"}


def _dials(app: Flask, connected: str, headers: Mapping[str, str] | None = None) -> TestResponse:
    form = {"sessionId": f"s{next(_sessions)}", "phoneNumber": "+6285700000001", "serviceCode": "*119#", "text": ""}
    return app.test_client().post(
        f"/webhooks/africastalking/{WEBHOOK_SECRET}/ussd",
        data=form,
        headers=dict(headers or {}),
        environ_base={"REMOTE_ADDR": connected},
    )


class TestAllowList:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return {**environ, **LIST}

    @pytest.mark.parametrize("address", ["203.0.113.7", "198.51.100.200", "::ffff:203.0.113.7", "2001:db8::1"])
    def test_the_gateways_own_addresses_get_in(self, app: Flask, world: World, address: str) -> None:
        assert _dials(app, address).status_code == 200

    @pytest.mark.parametrize("address", ["203.0.113.8", "127.0.0.1", "2001:db9::1", "", "unix:"])
    def test_nobody_else_does_even_with_the_secret(self, app: Flask, world: World, address: str) -> None:
        answer = _dials(app, address)
        assert (answer.status_code, answer.get_data(as_text=True)) == (403, "You may not do this.\n")

    def test_a_header_is_not_believed_unless_a_setting_says_so(self, app: Flask, world: World) -> None:
        for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP", "True-Client-IP"):
            assert _dials(app, "192.0.2.1", {header: "203.0.113.7"}).status_code == 403

    def test_another_gateway_is_not_concerned(self, app: Flask, world: World) -> None:
        answer = app.test_client().post(
            "/webhooks/twilio/sms", data={"From": "x"}, environ_base={"REMOTE_ADDR": "192.0.2.1"}
        )
        assert answer.status_code == 403  # for want of a signature, as before


class TestBehindAProxy:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return {**environ, **LIST, **PROXY}

    def test_the_proxys_word_counts(self, app: Flask, world: World) -> None:
        assert _dials(app, "10.0.0.1", {"X-Forwarded-For": "203.0.113.7"}).status_code == 200
        assert _dials(app, "10.0.0.1", {"X-Forwarded-For": "192.0.2.1"}).status_code == 403

    def test_nobody_elses_does(self, app: Flask, world: World) -> None:
        assert _dials(app, "192.0.2.1", {"X-Forwarded-For": "203.0.113.7"}).status_code == 403

    def test_what_the_caller_wrote_before_the_proxy_does_not_count(self, app: Flask, world: World) -> None:
        assert _dials(app, "10.0.0.1", {"X-Forwarded-For": "203.0.113.7, 192.0.2.1"}).status_code == 403


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("192.0.2.1, 203.0.113.7, 10.1.1.1", "203.0.113.7"),
        ("10.1.1.1, 10.1.1.2", "10.1.1.1"),
        ("", "10.0.0.1"),
        ("nonsense", "10.0.0.1"),
        ("203.0.113.7, <script>", "10.0.0.1"),
        ("1, " * 5000 + "203.0.113.7", "203.0.113.7"),
    ],
)
def test_the_address_is_the_last_that_is_no_proxy_of_ours(header: str, expected: str) -> None:
    settings = load(REQUIRED | PROXY)
    callers = Callers(settings.client_address_header, settings.trusted_proxies)
    assert callers.address({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": header}) == expected
    assert callers.address({}) == NOWHERE


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"CLIENT_ADDRESS_HEADER": "X-Forwarded-For"}, "TRUSTED_PROXIES"),
        ({"CLIENT_ADDRESS_HEADER": "X For\r\n", "TRUSTED_PROXIES": "10.0.0.1"}, "CLIENT_ADDRESS_HEADER"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8, example.org"}, "TRUSTED_PROXIES"),
        ({"TRUSTED_PROXIES": "10.0.0.1/8"}, "TRUSTED_PROXIES"),
        ({"AFRICASTALKING_ALLOW": "everybody"}, "AFRICASTALKING_ALLOW"),
        ({"TWILIO_CALLS_A_SECOND": "many"}, "TWILIO_CALLS_A_SECOND"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_served(
    environ: dict[str, str], wrong: dict[str, str], names: str
) -> None:
    with pytest.raises(SettingError, match=names):
        create_app({**environ, **wrong})


def test_a_gateway_that_runs_wild_is_taken_at_its_rate() -> None:
    admission = Admission(Callers("", ()), callers_of({"AFRICASTALKING_CALLS_A_SECOND": "10"}, "africastalking"))
    moment = 100.0
    assert sum(admission.has_room(lambda: moment) for _ in range(1000)) == 11
    moment += 1
    assert sum(admission.has_room(lambda: moment) for _ in range(1000)) == 10


class TestRate:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return {**environ, "AFRICASTALKING_CALLS_A_SECOND": "1"}

    def test_a_handset_then_hears_that_we_are_busy(self, app: Flask, world: World) -> None:
        told = [_dials(app, "192.0.2.1") for _ in range(5)]
        assert {answer.status_code for answer in told} == {200}
        assert told[0].get_data(as_text=True).startswith("CON ")
        assert told[-1].get_data(as_text=True).startswith("END ")
        assert "sibuk" in told[-1].get_data(as_text=True)
