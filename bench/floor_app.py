"""What the service is measured against: the least that a USSD webhook on this stack could do.

The floor is a bare Flask view that reads the form of a hop and makes two round trips to Redis, a GET and a SETEX of 600
bytes by Lua: what any conversation that outlives its process must pay. Beside it ``NOTHING_PATH`` answers at once, below
Flask; that shows how much more the load generator and the server can carry.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from bench.script import NOTHING_PATH
from bot.conversation.store import KEEP_SECONDS, connect
from bot.lifeline import die_with_parent

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: Bytes that are kept for a phone, about what a conversation takes.
KEPT_BYTES = 600
#: As long as a screen of the service, so that both send as much.
_SCREEN = "CON " + "Dua kali ke Redis dan kembali, tidak lebih. " * 3

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
