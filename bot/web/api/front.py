"""The API's front: who asks, whether they may, whether the request is as it must be; errors, and repeated requests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final

import redis
import structlog
from flask import Blueprint, Response, request
from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException

from bot.away import Away
from bot.officers import once, tokens
from bot.officers.areas import area_of
from bot.officers.tokens import Bearer
from bot.registration.officer import OutOfReach
from bot.services import Services
from bot.web.api import campaign_acts, campaigns, facilities, people, person_booking, progress, sessions, system
from bot.web.api.document import document
from bot.web.api.problems import Refused, answer, invalid, nothing_here, respond, wrong
from bot.web.api.routes import Api, Call, Route
from bot.web.api.values import MOST_ID
from bot.web.failures import note_failure

_log = structlog.get_logger(__name__)

NAME: Final = "api"
PREFIX: Final = "/api/v1"
#: Every path takes every method, so that the wrong one is answered here as well.
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
#: Seconds after which it may be tried again.
_SOON, _WHEN_CALM = "2", "10"
_DETAILS: Final = {
    404: "There is nothing here.",
    413: "The request is too large.",
    503: "Not available at the moment. Try again.",
}


@cache
def declared() -> Api:
    """All routes."""
    api = Api()
    for section in (progress, campaigns, campaign_acts, people, person_booking, facilities, sessions, system):
        section.register(api)
    return api


@cache
def _described(public_url: str) -> dict[str, Any]:
    return document(declared(), public_url)


def blueprint_of(services: Services) -> Blueprint:
    """``/api/v1/`` and all below it."""
    api, front = declared(), _Front(services)
    described = _described(services.settings.public_url)
    blueprint = Blueprint(NAME, __name__, url_prefix=PREFIX)

    def add(rule: str, name: str, methods: Mapping[str, Route]) -> None:
        def view(**path: Any) -> Response:
            return front.answer(methods, path)

        blueprint.add_url_rule(rule, name, view, methods=_METHODS, provide_automatic_options=False)

    for rule, methods in api.routes.items():
        add(rule, next(iter(methods.values())).name, methods)

    @blueprint.route("/openapi.json", methods=_METHODS, provide_automatic_options=False)
    def openapi() -> Response:
        if request.method not in {"GET", "HEAD"}:
            raise _not_taken({"GET"})
        return respond(200, described)

    @blueprint.route("/", defaults={"rest": ""}, methods=_METHODS, provide_automatic_options=False)
    @blueprint.route("/<path:rest>", methods=_METHODS, provide_automatic_options=False)
    def nowhere(rest: str) -> Response:
        return answer(Refused(404, _DETAILS[404]))

    blueprint.register_error_handler(Exception, failed)
    return blueprint


class _Counted(RedisStorage):
    """Counts with our own client, which knows clusters and sentinels; both keys of a count lie in one slot."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__("redis://", connection_pool=client.connection_pool)
        self.storage = client
        self.initialize_storage("")


def counter(services: Services, most: int) -> Callable[[str, str], bool]:
    """Counts a request of somebody, by a word and who it is; False where there were ``most`` within a minute."""
    limiter, limit = SlidingWindowCounterRateLimiter(_Counted(services.conversations)), RateLimitItemPerMinute(most)
    return lambda word, who: limiter.hit(limit, word, who)


class _Front:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._counted = counter(services, services.settings.api_requests_a_minute)

    def answer(self, methods: Mapping[str, Route], path: dict[str, Any]) -> Response:
        """The answer to this request, for a path that has these methods."""
        route = methods.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            raise _not_taken(methods)
        call = self._let_in(route)
        _check_path(path)
        given: dict[str, Any] = {}
        if route.query is not None:
            given["query"] = _query(route.query)
        elif request.args:
            raise wrong("query", "This address takes no query.")
        if route.body is not None:
            given["body"] = _body(route.body)
        if not route.once:
            return respond(*_act(route, call, path, given))
        return self._act_once(route, call, path, given)

    def _let_in(self, route: Route) -> Call:
        services, now = self._services, self._services.clock.now()
        found = tokens.bearer(services.database, _token(), now)
        if found is None:
            raise Refused(401, "The token is not valid, or not any more.", headers={"WWW-Authenticate": _challenge()})
        if not self._counted(NAME, str(found.token_id)):
            raise Refused(429, "Too many requests with this token.", headers={"Retry-After": _WHEN_CALM})
        if not found.may(route.needs):
            raise Refused(403, _lacks(found, route), "right")
        try:
            area = area_of(services.database, found.admin)
        except LookupError as error:
            raise Refused(403, "The area of this token's admin is not in the registry any more.", "area") from error
        return Call(services, found, area, now)

    def _act_once(self, route: Route, call: Call, path: dict[str, Any], given: dict[str, Any]) -> Response:
        """Carry out what must not be done twice, or repeat the answer that was given."""
        database, token, key = self._services.database, call.bearer.token_id, request.headers.get("Idempotency-Key", "")
        if not _KEY.fullmatch(key):
            raise Refused(400, "Send an Idempotency-Key of 1 to 200 characters, a new one for each act.", "no-key")
        match once.begin(database, token, key, _hash(given), call.now):
            case once.Answered(status, body):
                return respond(status, body, {"Idempotency-Replayed": "true"})
            case once.UnderWay():
                raise Refused(
                    409, "The same request is being carried out.", "under-way", headers={"Retry-After": _SOON}
                )
            case once.Another():
                raise Refused(422, "This Idempotency-Key belongs to another request.", "other-request")
        try:
            status, told, headers = _act(route, call, path, given)
        except (
            Exception
        ):  # whatever it was, it goes on to `failed`; the key is free again, for there is no answer to repeat
            once.give_up(database, token, key, call.now)
            raise
        once.finish(database, token, key, call.now, status, told)
        return respond(status, told, headers)


def _act(route: Route, call: Call, path: dict[str, Any], given: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
    """Status, body and headers of what comes of it; a refusal is an outcome as well."""
    try:
        return 200, route.view(call, **path, **given).model_dump(mode="json"), {}
    except OutOfReach:
        refused = nothing_here()
    except Refused as error:
        refused = error
    return refused.problem.status, refused.problem.model_dump(mode="json"), refused.headers


def _not_taken(methods: Iterable[str]) -> Refused:
    taken = set(methods)
    allowed = ", ".join(sorted(taken | ({"HEAD"} if "GET" in taken else set())))
    return Refused(405, "This address does not take that kind of request.", headers={"Allow": allowed})


def _token() -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Refused(
            401, "Send a token: Authorization: Bearer ...", headers={"WWW-Authenticate": 'Bearer realm="api"'}
        )
    return token.strip()


def _challenge() -> str:
    return 'Bearer realm="api", error="invalid_token"'


def _lacks(found: Bearer, route: Route) -> str:
    lacking = "This token" if route.needs not in found.scopes else "This token's admin"
    return f"{lacking} has not the right {route.needs.name}."


def _check_path(path: Mapping[str, Any]) -> None:
    for value in path.values():
        if (isinstance(value, int) and not 0 < value <= MOST_ID) or (isinstance(value, str) and "\0" in value):
            raise nothing_here()


def _query(model: type[BaseModel]) -> BaseModel:
    # A parameter that is given twice is a list, and fits nowhere.
    given = {name: values[0] if len(values) == 1 else values for name, values in request.args.lists()}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid("query", error) from None


def _body(model: type[BaseModel]) -> BaseModel:
    if request.mimetype != "application/json":
        raise Refused(415, "Send the body as application/json.")
    try:
        return model.model_validate_json(request.get_data(), strict=True)
    except ValidationError as error:
        raise invalid("body", error) from None


def _hash(given: Mapping[str, Any]) -> bytes:
    """What is asked, without how it happens to be written."""
    asked = {name: value.model_dump(mode="json") for name, value in given.items()}
    return hashlib.sha256(json.dumps([request.method, request.path, asked], sort_keys=True).encode()).digest()


def failed(error: Exception) -> Response:
    """A problem for whatever went wrong; our own mistakes are logged, without what they were about."""
    if isinstance(error, Refused):
        return answer(error)
    if isinstance(error, Away | redis.RedisError):
        return answer(Refused(503, _DETAILS[503], headers={"Retry-After": _SOON}))
    if isinstance(error, HTTPException) and error.code is not None and error.code >= 400:
        kept = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
        return answer(Refused(error.code, _DETAILS.get(error.code, error.name), headers=kept))
    note_failure(error)
    return answer(Refused(500, "Something went wrong on our side. It has been written down."))
