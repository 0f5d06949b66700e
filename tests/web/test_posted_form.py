"""The form of a webhook reads as werkzeug reads it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask, Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from bot.web.posted_form import posted_form

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def app() -> Flask:
    made = Flask("form")
    made.config["MAX_CONTENT_LENGTH"] = 1000
    return made


def _call(body: bytes, **more: Any) -> dict[str, Any]:
    told = {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    return {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "wsgi.url_scheme": "http", "HTTP_HOST": "x"} | told | more


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"phoneNumber=%2B6281234567890&text=17081985*1&serviceCode=*123%23",
        b"text=&phone",
        b"text=a+b%20c&text=second&other=%C3%A9",
        b"text=%FF%FE&a=%zz&b=%",
        "text=\u00e9 \U0001f600".encode(),
        b"text=\xff",
        b"&&=x&text=1=2",
    ],
)
def test_every_body_reads_as_werkzeug_reads_it(app: Flask, body: bytes) -> None:
    with app.request_context(_call(body)) as usual, app.request_context(_call(body)) as ours:
        assert posted_form(ours.request) == usual.request.form.to_dict()


def test_of_a_name_that_comes_twice_the_first_counts(app: Flask) -> None:
    with app.request_context(_call(b"text=1&text=2")) as call:
        assert posted_form(call.request) == {"text": "1"}


def test_a_body_of_more_fields_than_anybody_sends_has_none(app: Flask) -> None:
    for fields, kept in ((200, 200), (201, 0)):
        body = "&".join(f"{number:x}=" for number in range(fields)).encode()
        with app.request_context(_call(body)) as call:
            assert len(posted_form(call.request)) == kept


def test_a_body_beyond_the_limit_is_too_large(app: Flask) -> None:
    with app.request_context(_call(b"text=" + b"x" * 996)) as call, pytest.raises(RequestEntityTooLarge):
        posted_form(call.request)


@pytest.mark.parametrize("length", ["", "-1", "nonsense", "\u0664"])
def test_what_is_no_length_is_left_to_werkzeug(app: Flask, length: str) -> None:
    with (
        app.request_context(_call(b"text=1", CONTENT_LENGTH=length)) as usual,
        app.request_context(_call(b"text=1", CONTENT_LENGTH=length)) as ours,
    ):
        assert posted_form(ours.request) == usual.request.form.to_dict()


@pytest.mark.parametrize("size", [1, 3000])
def test_a_body_in_chunks_is_left_to_werkzeug(app: Flask, size: int) -> None:
    def read(form: Callable[[Request], Mapping[str, str]]) -> object:
        body, chunked = b"text=" + b"x" * size, {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
        with app.request_context(_call(body, CONTENT_LENGTH="", **chunked)) as call:
            try:
                return dict(form(call.request))
            except RequestEntityTooLarge as error:
                return type(error)

    assert read(posted_form) == read(lambda request: request.form)


def test_a_caller_who_hangs_up_in_the_middle_is_told_from_one_who_has_finished(app: Flask) -> None:
    with app.request_context(_call(b"text=1", CONTENT_LENGTH="60")) as call, pytest.raises(ClientDisconnected):
        posted_form(call.request)


def test_a_body_that_comes_in_pieces_is_whole(app: Flask) -> None:
    class InPieces(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(3, size or 0))

    with app.request_context(_call(b"", CONTENT_LENGTH="11", **{"wsgi.input": InPieces(b"text=123456")})) as call:
        assert posted_form(call.request) == {"text": "123456"}
