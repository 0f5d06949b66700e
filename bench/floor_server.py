"""Serves the floor behind the very server of the service: ``python -m bench.floor_server``.

It runs the command ``bot web`` itself and lets Granian load another application, so that whatever is ever changed in
the server's settings counts for both.
"""

from __future__ import annotations

from typing import Any

from bot.cli.serving import web
from bot.web import processes

_APPLICATION = "bench.floor_app:application"


def serve() -> None:
    """Serve the floor at HOST:PORT until a signal asks to stop."""
    genuine = processes.Server

    def with_the_floor(_target: str, *rest: Any, **settings: Any) -> Any:
        return genuine(_APPLICATION, *rest, **settings)

    processes.Server = with_the_floor  # type: ignore[assignment, misc]
    web.main(args=[], standalone_mode=False)


if __name__ == "__main__":
    serve()
