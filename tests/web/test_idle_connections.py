"""A connection that nobody uses is closed in the end, but not before a proxy has dropped it."""

from __future__ import annotations

import http.client
import time
from pathlib import Path

from bot.cli.serving import KEPT_IDLE_MS
from tests.web.served import served
from tests.world import World

#: Seconds that nginx and ingress-nginx keep an idle connection to a server, unless told otherwise.
_PROXIES_KEEP = 60

_WITH_LESS_PATIENCE = """
from bot.cli import serving
serving.KEPT_IDLE_MS = 2000
serving.web.main(["--processes", "1"], standalone_mode=False)
"""


def test_proxies_drop_it_first() -> None:
    assert KEPT_IDLE_MS / 1000 >= _PROXIES_KEEP + 10


def test_it_is_closed_once_it_has_been_idle_for_its_time(environ: dict[str, str], world: World, tmp_path: Path) -> None:
    with served(environ, tmp_path / "web.log", ("-c", _WITH_LESS_PATIENCE)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
        used_at = time.monotonic()
        assert connection.sock.recv(1) == b""
        assert 1.5 < time.monotonic() - used_at < 15
        connection.close()
