"""The OpenAPI 3.1 document, made from the routes' own declarations: what is not declared does not run."""

from __future__ import annotations

import re
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.web.api.problems import MEDIA_TYPE, Problem
from bot.web.api.routes import Api, Route
from bot.web.api.values import MOST_ID
from bot.web.request_id import HEADER

_TEMPLATE: Final = "#/components/schemas/{model}"
_PARAMETER: Final = re.compile(r"<(?:(int):)?(\w+)>")
#: Answers that any request may get; what else there is depends on the route.
_ALWAYS: Final = {
    401: "No token, or one that is not valid",
    403: "The token or its admin has not the right",
    404: "Nothing there, or outside the admin's area",
    405: "Not this method",
    413: "The request is too large",
    422: "The request is not as it must be",
    429: "Too many requests with this token; see Retry-After",
    500: "A mistake of ours",
    503: "A part of the service is away; see Retry-After",
}
_WITH_BODY: Final = {415: "The body is not application/json"}
_WITH_KEY: Final = {
    400: "No Idempotency-Key",
    409: "Not possible as things are, or the same request is being carried out",
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A new one for each act. The same key with the same request repeats the answer for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[\x21-\x7e]+$"},
}
#: What every answer carries, and how it is known in our log.
_ID: Final = {
    HEADER: {
        "required": True,
        "description": "The request's id, by which we find it in our log: yours, if you sent one of 1 to 64 letters, digits "
        "and dashes, else one of ours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    }
}


def document(api: Api, public_url: str) -> dict[str, Any]:
    """The document."""
    schemas = _schemas(api)
    paths: dict[str, Any] = {}
    for route in api.every():
        paths.setdefault(_PARAMETER.sub(r"{\2}", route.rule), {})[route.method.lower()] = _operation(route)
    statuses = {**_ALWAYS, **_WITH_BODY, **_WITH_KEY}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Balas",
            "version": "1",
            "description": "Figures and acts of the command room, for programs. A token belongs to an admin: it sees and "
            "does at most what they may, in their area. Errors are problems as of RFC 9457.",
        },
        "servers": [{"url": f"{public_url.rstrip('/')}/api/v1"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {f"Problem{status}": _problem(words) for status, words in sorted(statuses.items())},
        },
    }


def _schemas(api: Api) -> dict[str, Any]:
    asked = {route.body for route in api.every() if route.body is not None}
    told = {route.tells for route in api.every()} | {Problem}
    _, made = models_json_schema(
        [
            *((model, "validation") for model in sorted(asked, key=lambda each: each.__name__)),
            *((model, "serialization") for model in sorted(told, key=lambda each: each.__name__)),
        ],
        ref_template=_TEMPLATE,
    )
    found: dict[str, Any] = made["$defs"]
    return found


def _operation(route: Route) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": f"Needs the right {route.needs.name}.",
        "responses": {
            "200": {"description": "Done", "headers": _ID, "content": _content("application/json", route.tells)},
            **{str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in _statuses(route)},
        },
    }
    if parameters := [*_path(route), *_query(route.query), *([_KEY] if route.once else [])]:
        said["parameters"] = parameters
    if route.body is not None:
        said["requestBody"] = {"required": True, "content": _content("application/json", route.body)}
    return said


def _statuses(route: Route) -> list[int]:
    return sorted({*_ALWAYS, *(_WITH_BODY if route.body is not None else ()), *(_WITH_KEY if route.once else ())})


def _path(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 1, "maximum": MOST_ID}
            if kind
            else {"type": "string", "minLength": 1},
        }
        for kind, name in _PARAMETER.findall(route.rule)
    ]


def _query(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema(ref_template=_TEMPLATE)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _told_apart(each)}
        for name, each in schema["properties"].items()
    ]


def _told_apart(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or not: null is nothing that an address can say."""
    kinds = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    plain = {name: value for name, value in schema.items() if name not in {"anyOf", "default", "title"}}
    return {**plain, **kinds[0]} if len(kinds) == 1 else {**plain, **({"anyOf": kinds} if kinds else {})}


def _content(media: str, model: type[BaseModel]) -> dict[str, Any]:
    return {media: {"schema": {"$ref": _TEMPLATE.format(model=model.__name__)}}}


def _problem(words: str) -> dict[str, Any]:
    return {"description": words, "headers": _ID, "content": _content(MEDIA_TYPE, Problem)}
