"""The shorter way to the webhooks leads where Flask's own does."""

from __future__ import annotations

import gc
import weakref

import pytest
from flask import Flask, Request, Response, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from bot.web.plain_answer import PlainAnswer
from bot.web.posted_form import posted_form
from bot.web.service import Service, StraightView


def _with_routes(app: Flask) -> Flask:
    @app.post("/webhooks/gateway/<secret>/ussd")
    def hop(secret: str) -> str:
        rule = request.url_rule
        return f"{rule.rule if rule else ''} {secret} {request.blueprint} {request.host}"

    @app.get("/page")
    def page() -> str:
        return url_for("page", _external=True)

    return app


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/webhooks/gateway/one/ussd"),
        ("POST", "/webhooks/gateway/two%20words/ussd"),
        ("GET", "/webhooks/gateway/one/ussd"),
        ("OPTIONS", "/webhooks/gateway/one/ussd"),
        ("POST", "/webhooks/gateway//ussd"),
        ("POST", "/webhooks//gateway/one/ussd"),
        ("POST", "/webhooks/nowhere"),
        ("GET", "/page"),
    ],
)
@pytest.mark.parametrize("hurries", [False, True])
def test_it_answers_as_flask_does_every_time(method: str, path: str, hurries: bool) -> None:
    usual, ours = _with_routes(Flask("app")).test_client(), _with_routes(Service("app", hurries=hurries)).test_client()
    expected = usual.open(path, method=method)
    for _ in range(3):
        found = ours.open(path, method=method)
        assert (found.status, found.data, dict(found.headers)) == (
            expected.status,
            expected.data,
            dict(expected.headers),
        )


def test_strangers_who_try_paths_take_no_room() -> None:
    app = Service("app")
    client = _with_routes(app).test_client()
    for number in range(500):
        assert client.post(f"/webhooks/gateway/{number}/ussd").status_code == 200
        assert client.post(f"/webhooks/{number}").status_code == 404
    assert len(app.known) <= 100


def test_what_a_view_does_with_its_arguments_stays_with_it() -> None:
    app = Service("app")

    @app.before_request
    def spoil() -> None:
        if request.view_args is not None:
            request.view_args["secret"] += "!"

    client = _with_routes(app).test_client()
    assert [b"one! " in client.post("/webhooks/gateway/one/ussd").data for _ in range(2)] == [True, True]


@pytest.mark.parametrize("hurries", [False, True])
def test_a_plain_answer_arrives_as_it_is(hurries: bool) -> None:
    app = Service("app", hurries=hurries)

    @app.post("/webhooks/gateway/ussd")
    def hop() -> PlainAnswer:
        return PlainAnswer("CON Süd", "text/plain; charset=utf-8")

    found = app.test_client().post("/webhooks/gateway/ussd")
    assert (found.status, found.get_data(as_text=True)) == ("200 OK", "CON Süd")
    assert (found.content_type, found.content_length) == ("text/plain; charset=utf-8", len("CON Süd".encode()))


@pytest.mark.parametrize("hurries", [False, True])
def test_a_view_that_fails_is_answered_by_its_handler_and_what_was_asked_for_at_the_end_is_done(hurries: bool) -> None:
    app, ended = Service("app", hurries=hurries), []

    @app.post("/webhooks/gateway/ussd")
    def hop() -> str:
        raise KeyError("nothing")

    @app.errorhandler(KeyError)
    def failed(_error: KeyError) -> tuple[str, int]:
        return "sorry", 500

    app.teardown_request(lambda _error: ended.append("request"))
    app.teardown_appcontext(lambda _error: ended.append("app"))
    found = app.test_client().post("/webhooks/gateway/ussd")
    assert (found.status_code, found.data) == (500, b"sorry")
    assert ended == ["request", "app"]


class TestStraightViews:
    """The first call goes Flask's way, since its path is not known yet, and the others the straight one."""

    def _service(self, *, hurries: bool = True) -> Service:
        app = Service("app", hurries=hurries)
        app.config["MAX_CONTENT_LENGTH"] = 100

        def answer(called: Request, secret: str) -> Response | PlainAnswer:
            form = posted_form(called)
            match secret:
                case "refused":
                    return Response("no", status=403, headers={"X-Why": called.path})
                case "mistaken":
                    raise KeyError(secret)
            rule = called.url_rule
            return PlainAnswer(f"{secret} {form} {rule.rule if rule else ''}", "text/plain; charset=utf-8")

        app.add_url_rule("/webhooks/gateway/<secret>/ussd", "hop", StraightView(answer), methods=["POST"])

        @app.errorhandler(Exception)
        def failed(error: Exception) -> tuple[str, int]:
            is_large = isinstance(error, RequestEntityTooLarge)
            return f"{type(error).__name__} at {request.url_rule} of {request.path}", 413 if is_large else 500

        return app

    @pytest.mark.parametrize("secret", ["one", "two%20words", "refused", "mistaken"])
    @pytest.mark.parametrize("form", [{}, {"text": "1*2", "phoneNumber": "+62812"}, {"text": "1" * 200}])
    @pytest.mark.parametrize("method", ["POST", "GET", "HEAD", "OPTIONS"])
    def test_they_answer_the_same_every_time(self, secret: str, form: dict[str, str], method: str) -> None:
        usual, ours = self._service(hurries=False).test_client(), self._service().test_client()
        path = f"/webhooks/gateway/{secret}/ussd"
        expected = usual.open(path, method=method, data=form)
        assert expected.status_code in ({200, 403, 413, 500} if method == "POST" else {500, 200})
        for _ in range(3):
            found = ours.open(path, method=method, data=form)
            assert (found.status, found.data, dict(found.headers)) == (
                expected.status,
                expected.data,
                dict(expected.headers),
            )

    def test_a_handler_that_fails_itself_is_flasks_own_500(self) -> None:
        app = Service("app", hurries=True)

        def answer(_called: Request) -> PlainAnswer:
            raise KeyError

        app.add_url_rule("/webhooks/gateway/ussd", "hop", StraightView(answer), methods=["POST"])

        @app.errorhandler(KeyError)
        def failed(_error: KeyError) -> str:
            raise ValueError

        client = app.test_client()
        assert [client.post("/webhooks/gateway/ussd").status_code for _ in range(3)] == [500] * 3

    def test_requests_go_without_the_garbage_collector(self) -> None:
        app, seen = Service("app", hurries=True), []

        def answer(called: Request) -> PlainAnswer:
            seen.append(weakref.ref(called))
            return PlainAnswer("", "text/plain; charset=utf-8")

        app.add_url_rule("/webhooks/gateway/ussd", "hop", StraightView(answer), methods=["POST"])
        client = app.test_client()
        client.post("/webhooks/gateway/ussd")
        gc.disable()
        try:
            client.post("/webhooks/gateway/ussd").close()
            assert seen[1]() is None
        finally:
            gc.enable()
