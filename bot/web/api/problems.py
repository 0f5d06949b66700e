"""What goes wrong, as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from flask import Response, json
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.web.request_id import HEADER, request_id

MEDIA_TYPE: Final = "application/problem+json"
#: What the types of our own problems begin with; the others are plain HTTP statuses, ``about:blank``.
_OURS: Final = "urn:balas:problem:"
#: Faults of a request that are named, at most.
_MOST_FAULTS: Final = 20


class Fault(BaseModel):
    """Something in a request that is not as it must be. ``at``: where, e.g. ``body.texts.id``."""

    model_config = ConfigDict(extra="forbid")
    at: str
    what: str


class Problem(BaseModel):
    """An error. ``type`` tells programs which one, ``detail`` is a line for people."""

    model_config = ConfigDict(extra="forbid")
    type: str = Field(examples=["about:blank", f"{_OURS}session-full"])
    title: str
    status: int
    detail: str
    errors: list[Fault] = Field(description="With 422: what is wrong with the request")
    request_id: str = Field(description=f"By which we find the request in our log; as in {HEADER}")


class Refused(Exception):
    """The request is answered with a problem. ``kind``: a name of ours for it, "" where the status says it all."""

    def __init__(
        self,
        status: int,
        detail: str,
        kind: str = "",
        *,
        errors: list[Fault] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})
        self.problem = Problem(
            type=f"{_OURS}{kind}" if kind else "about:blank",
            title=HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            errors=errors or [],
            request_id="",  # told when it leaves: a problem may be told again, to another request
        )


def nothing_here() -> Refused:
    """404, for what is not there and for what lies outside the area: nobody can tell the two apart."""
    return Refused(404, "There is nothing here, or it is outside your area.")


def invalid(where: str, error: ValidationError) -> Refused:
    """422 for a request that does not fit. Nothing of what was sent is repeated."""
    faults = [
        Fault(at=".".join([where, *map(str, each["loc"])])[:200], what=each["msg"][:300])
        for each in error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_FAULTS]
    ]
    return Refused(422, "The request is not as it must be.", "invalid", errors=faults)


def wrong(at: str, what: str) -> Refused:
    """422 for one fault."""
    return Refused(422, "The request is not as it must be.", "invalid", errors=[Fault(at=at, what=what)])


def answer(refused: Refused) -> Response:
    """The problem as an answer."""
    return respond(refused.problem.status, refused.problem.model_dump(mode="json"), refused.headers)


def respond(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """JSON as it leaves; a problem tells this request's id, as the header does that each answer gets (``bot.web.app``)."""
    media = "application/json"
    if status >= HTTPStatus.BAD_REQUEST:
        media, body = MEDIA_TYPE, {**body, "request_id": request_id()}
    response = Response(json.dumps(body), status=status, content_type=media)
    response.headers.update({"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})})
    return response
