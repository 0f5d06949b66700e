"""What gateways tell us besides what people say: receipts, opt-outs, ended sessions."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bot import config
from bot.embedded.servers import EmbeddedServers
from bot.messaging import receipt_stream
from bot.services import Services
from bot.web.app import create_app
from tests.phones import WEBHOOK_SECRET, Post
from tests.stopping import paused
from tests.stub_gateways.twilio_stub import signed
from tests.world import World

PHONE = "+6281200000001"


def _at(post: Post, endpoint: str, form: Mapping[str, str]) -> tuple[int, str]:
    return post(f"/webhooks/africastalking/{WEBHOOK_SECRET}/{endpoint}", form, {})


def test_a_bulk_opt_out_is_registered_once(world: World, post: Post) -> None:
    for _ in range(2):
        assert _at(post, "opt-outs", {"senderId": "PEDULI", "phoneNumber": PHONE}) == (200, "")
    assert world.database.rows("SELECT phone, source FROM opt_out") == [(PHONE, "africastalking")]


def test_a_receipt_for_nothing_we_know_is_kept(world: World, post: Post, services: Services) -> None:
    form = {"id": "ATXid_1", "status": "Success", "phoneNumber": PHONE, "networkCode": "51010", "retryCount": "0"}
    assert _at(post, "receipts", form) == (200, "")
    assert receipt_stream.take(services.queue, services.database) == (1, 0)
    assert world.database.rows("SELECT provider_id, status, matched FROM receipt") == [("ATXid_1", "delivered", False)]


def test_the_end_of_a_session_is_taken_in(world: World, post: Post) -> None:
    form = {"date": "2021-01-13", "sessionId": "ATUid_1", "serviceCode": "*1#", "networkCode": "51010"}
    form |= {"phoneNumber": PHONE, "status": "Incomplete", "cost": "0", "durationInMillis": "9", "hopsCount": "2"}
    assert _at(post, "ussd-events", form) == (200, "")


@pytest.mark.parametrize("endpoint", ["receipts", "opt-outs", "ussd-events", "sms"])
def test_a_body_without_its_fields_gets_400(world: World, post: Post, endpoint: str) -> None:
    assert _at(post, endpoint, {"nothing": "useful"})[0] == 400


def test_a_twilio_receipt_settles_the_answer_that_left_in_the_response(
    world: World, post: Post, services: Services
) -> None:
    said = {"MessageSid": "SM0", "AccountSid": "AC1", "From": PHONE, "To": "+15005550006", "Body": "halo"}
    sms = "/webhooks/twilio/sms"
    assert "<Message" in post(sms, said, signed(f"https://balas.example{sms}", said, "token-of-tests"))[1]
    [(message, state)] = world.database.rows(
        "SELECT m.id, a.state FROM message m JOIN attempt a ON a.id = m.attempt_id"
    )
    assert state == "submitted"
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": PHONE, "From": "+15005550006", "AccountSid": "AC1"}
    path = f"/webhooks/twilio/receipts?message={message}"
    assert post(path, form, {"X-Twilio-Signature": "forged"})[0] == 403
    headers = signed(f"https://balas.example{path}", form, "token-of-tests")
    assert post(path, form, headers)[0] == 200
    assert receipt_stream.take(services.queue, services.database) == (1, 1)
    assert world.database.value("SELECT state FROM message") == "delivered"
    assert receipt_stream.waiting(services.queue) == 0


def test_a_receipt_is_applied_at_once_where_the_stream_is_away(
    world: World, post: Post, servers: EmbeddedServers
) -> None:
    form = {"id": "ATXid_1", "status": "Success", "phoneNumber": PHONE, "networkCode": "51010", "retryCount": "0"}
    with paused(servers.valkey.pid):
        assert _at(post, "receipts", form) == (200, "")
    assert world.database.rows("SELECT provider_id, status, matched FROM receipt") == [("ATXid_1", "delivered", False)]


def test_a_gateway_that_cannot_send_stops_the_start_and_is_named(environ: dict[str, str], services: Services) -> None:
    with pytest.raises(config.SettingError, match="SMS_GATEWAY must be one of"):
        create_app(environ | {"SMS_GATEWAY": "pigeon"})
    with pytest.raises(config.SettingError, match="TWILIO_ACCOUNT_SID"):
        create_app(environ | {"SMS_GATEWAY": "twilio", "TWILIO_ACCOUNT_SID": ""})


@pytest.mark.parametrize(
    ("serves", "there", "missing"),
    [
        ("gateways", "/webhooks/africastalking/secret/ussd", ["/admin/sign-in", "/api/v1/openapi.json"]),
        ("office", "/admin/sign-in", ["/webhooks/africastalking/secret/ussd", "/simulator/"]),
    ],
)
def test_a_process_may_serve_the_gateways_or_the_office_alone(
    environ: dict[str, str], serves: str, there: str, missing: list[str]
) -> None:
    app = create_app(environ | {"WEB_SERVES": serves})
    client = app.test_client()
    assert client.get(there).status_code != 404
    assert client.get("/healthz").status_code == 200
    assert [client.get(path).status_code for path in missing] == [404] * len(missing)
    app.extensions["services"].close()
