"""What a web process does that has a successor: who comes by a connection that it holds is asked not to come by it again.

A connection that is closed just as a request comes on it costs that request its answer. One whose last answer said so is
closed while nobody says anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

_begun: list[bool] = []


def begin() -> None:
    """From now on, each answer is the last one of its connection."""
    _begun.append(True)


def parting(start_response: StartResponse) -> StartResponse:
    """``start_response``; once parting has begun, one that says goodbye."""
    if not _begun:
        return start_response

    def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        return start_response(status, [*headers, ("Connection", "close")], *more)

    return started
