"""What a gateway is answered: a body and its type, as a WSGI application of its own.

Flask takes any such from a view. Its own response is made for cookies, redirections and parts of files, and costs a webhook
ten times as much.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class PlainAnswer:
    """An answer with status 200. ``content_type`` says UTF-8."""

    __slots__ = ("body", "content_type")

    def __init__(self, body: str, content_type: str) -> None:
        self.body = body.encode()
        self.content_type = content_type

    def __call__(self, _environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = self.body
        start_response("200 OK", [("Content-Type", self.content_type), ("Content-Length", str(len(body)))])
        return (body,)
