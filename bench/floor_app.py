"""What the service is measured against: the least that a webhook on this stack could do.

The floor of a hop is a bare Flask view that reads its form and makes two round trips to Redis, a GET and a SETEX of 600
bytes by Lua: what any conversation that outlives its process must pay. That of an inbound SMS is the same, behind a route for
each gateway; that of a delivery report reads its form and makes one, an XADD. That of a page makes the two of a hop, for who
asks has to be known, and is as long as it is told to be. Beside them ``NOTHING_PATH`` answers at once, below Flask; that shows
how much more the load generator and the server can carry.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from bench.script import FLOOR_PAGE_PATH, FLOOR_RECEIPTS_PATH, FLOOR_SMS_PATHS, FLOOR_STREAM, NOTHING_PATH
from bot.conversation.store import KEEP_SECONDS
from bot.lifeline import die_with_parent
from bot.redis_clients import connect

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: Bytes that are kept for a phone, about what a conversation takes.
KEPT_BYTES = 600
#: As long as a screen of the service, so that both send as much.
_SCREEN = "CON " + "Dua kali ke Redis dan kembali, tidak lebih. " * 3

#: As long as a reply in an HTTP answer.
_TWIML = (
    '<?xml version="1.0" encoding="UTF-8"?><Response><Message action="http://127.0.0.1:8000/webhooks/twilio/receipts?message='
    '1000000" statusCallback="http://127.0.0.1:8000/webhooks/twilio/receipts?message=1000000">'
    f"{_SCREEN[4:]}</Message></Response>"
)

_SAVE = "return redis.call('SETEX', KEYS[1], ARGV[1], ARGV[2])"


def create_floor(redis_url: str) -> Flask:
    """The floor as a WSGI application, with the client that conversations are kept with."""
    client = connect(redis_url)
    save = client.register_script(_SAVE)
    value = b"x" * KEPT_BYTES
    app = Flask("floor", static_folder=None)

    @app.post("/webhooks/africastalking/<secret>/ussd")
    def hop(secret: str) -> Response:
        form = request.form
        # Read as the service reads them; what they hold decides nothing here.
        _fields = (form["sessionId"], form["serviceCode"], form["networkCode"], form["text"])
        key = "floor:{" + form["phoneNumber"] + "}"
        client.get(key)
        save(keys=[key], args=[KEEP_SECONDS, value])
        return Response(_SCREEN, content_type="text/plain; charset=utf-8")

    def two_round_trips(phone: str) -> None:
        key = "floor:{" + phone + "}"
        client.get(key)
        save(keys=[key], args=[KEEP_SECONDS, value])

    @app.post(FLOOR_SMS_PATHS["africastalking"])
    def sms() -> Response:
        form = request.form
        _fields = (form["id"], form["text"], form["to"], form["linkId"])
        two_round_trips(form["from"])
        return Response("", content_type="text/plain; charset=utf-8")

    @app.post(FLOOR_SMS_PATHS["twilio"])
    def sms_answered() -> Response:
        form = request.form
        _fields = (form["MessageSid"], form["Body"], form["To"])
        two_round_trips(form["From"])
        return Response(_TWIML, content_type="text/xml; charset=utf-8")

    @app.post(FLOOR_RECEIPTS_PATH)
    def receipt() -> Response:
        form = request.form
        told = [form["id"], form["status"], form["phoneNumber"], form.get("failureReason", "")]
        client.xadd(FLOOR_STREAM, {"r": json.dumps(told)})
        return Response("", content_type="text/plain; charset=utf-8")

    @app.get(f"{FLOOR_PAGE_PATH}/<int:size>")
    def page(size: int) -> Response:
        two_round_trips(request.cookies.get("session", ""))
        return Response(b"x" * size, content_type="text/html; charset=utf-8")

    return app


_NOTHING = _SCREEN.encode()
_NOTHING_HEADERS = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(_NOTHING)))]


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Both; the choice between them takes the floor less than a tenth of a microsecond."""
    if environ["PATH_INFO"] == NOTHING_PATH:
        start_response("200 OK", _NOTHING_HEADERS)
        return [_NOTHING]
    return floor(environ, start_response)


die_with_parent()
floor = create_floor(os.environ["REDIS_URL"])
