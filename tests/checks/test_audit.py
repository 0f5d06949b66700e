"""A feed's finding fails the check; a feed that is away does not, and is never taken for a clean answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from checks import audit

_HOLE = {
    "id": "PYSEC-2021-1",
    "summary": "",
    "modified": "2021-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "flask", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9"}]}],
        }
    ],
}


class _Feed(BaseHTTPRequestHandler):
    """A feed in the form of osv.dev that knows of one hole, in Flask."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        holes = [_HOLE] if asked["package"]["name"] == "flask" else []
        body = json.dumps({"vulns": holes} if holes else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_told: object) -> None:
        pass


@pytest.fixture
def feed() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Feed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def _pinned(folder: Path, *packages: str) -> str:
    path = folder / "requirements.txt"
    path.write_text("".join(f"{each} --hash=sha256:{'0' * 64}\n" for each in packages))
    return str(path)


def test_a_known_hole_fails_and_is_named(feed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pinned = _pinned(tmp_path, "flask==3.0.0", "click==8.0.0")
    assert audit.main([pinned, "--", "-s", "osv", "--osv-url", feed]) == 1
    told = capsys.readouterr().out
    assert "flask 3.0.0: PYSEC-2021-1, mended in 9.9" in told
    assert "2 packages checked, 1 known" in told


def test_without_a_hole_it_passes(feed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main([_pinned(tmp_path, "click==8.0.0"), "--", "-s", "osv", "--osv-url", feed]) == 0
    assert "1 packages checked, 0 known" in capsys.readouterr().out


def test_a_feed_that_is_away_is_no_failure_and_no_clean_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = ["-s", "osv", "--osv-url", "http://127.0.0.1:9/", "--timeout", "2"]
    assert audit.main([_pinned(tmp_path, "click==8.0.0"), "--", *nobody]) == 0
    assert "NOT CHECKED" in capsys.readouterr().out


def test_a_feed_that_knows_nothing_is_no_clean_answer(capsys: pytest.CaptureFixture[str]) -> None:
    told = {"dependencies": [{"name": "click", "skip_reason": "not found"}], "fixes": []}
    assert audit.tell(Path("requirements.txt"), audit.read(json.dumps(told)))
    assert "NOT CHECKED" in capsys.readouterr().out


@pytest.mark.parametrize("told", ["", "Traceback", "[]", "{}", "null"])
def test_what_is_no_answer_is_none(told: str) -> None:
    assert audit.read(told) is None


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main([]) == 2
    assert "usage" in capsys.readouterr().err
