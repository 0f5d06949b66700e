"""The bench ``rush``: its subscribers, and its goals. The whole runs with ``make bench``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from bench import rush_callers
from bench.entries.rush import measured
from bench.rush import AFTERWARDS, BEFORE, RUSH, RushResult, Span, WantedRush, span_of
from bench.rush_callers import ANSWERED, SHED, Crowd, Phase, Rush

CPU = {"web": 400.0, "senders": 50.0, "postgresql": 200.0, "valkey": 50.0, "floor": 1.0}
BUSY = "END Maaf, sistem sedang sibuk. Coba lagi beberapa menit lagi."


@contextmanager
def _answering(answer: Callable[[str], str], patience: float | None = None) -> Iterator[int]:
    """A server that answers to what was typed so far; its port. ``patience``: seconds until it closes an idle connection."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = patience

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
            body = answer(form["text"][0]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def _screens(text: str) -> str:
    if not text:
        return "CON Halo, ketik tanggal lahir:"
    return "END Terdaftar. Tiket ABC234." if text.count("*") else "CON 1 Ya"


def _workers(many: int) -> tuple[tuple[str, str], ...]:
    return tuple((f"+628120000{number:04d}", "17081985") for number in range(many))


def test_a_connection_that_the_server_may_have_closed_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rush_callers, "_KEPT", 0.2)
    monkeypatch.setattr(rush_callers, "_LOOKS", (0.5, 0.6))
    with _answering(_screens, patience=0.4) as port:
        [told] = Crowd(Rush("127.0.0.1", port, "/ussd", _workers(4), (Phase("rare", 5.0, 2.0),))).run()
    assert told.errors == {}
    assert told.tickets == 4


def test_subscribers_come_at_their_rate_and_read_what_is_asked() -> None:
    with _answering(_screens) as port:
        crowd = Crowd(Rush("127.0.0.1", port, "/ussd", _workers(400), (Phase("calm", 4.0, 20.0),)))
        [told] = crowd.run()
    assert 75 <= sum(map(len, told.took_us.values())) <= told.asked <= 240
    assert told.tickets > 20
    assert (told.took_us[SHED], told.errors, told.gave_up) == ([], {}, 0)


def test_who_is_told_that_we_are_busy_gives_up_at_once_where_nobody_dials_afresh() -> None:
    with _answering(lambda _text: BUSY) as port:
        [told] = Crowd(Rush("127.0.0.1", port, "/ussd", _workers(20), (Phase("x", 1.0, 15.0, redials=False),))).run()
    assert told.took_us[ANSWERED] == []
    assert told.gave_up == len(told.took_us[SHED]) > 5


def test_what_no_gateway_could_use_is_an_error() -> None:
    with _answering(lambda _text: "Internal Server Error") as port:
        [told] = Crowd(Rush("127.0.0.1", port, "/ussd", _workers(20), (Phase("x", 1.0, 15.0),))).run()
    span = span_of(asdict(told), {})
    assert sum(span.errors.values()) > 5
    assert not _result(rush=span).right


def _span(name: str, *, answered: float = 2000.0, shed: float = 0.0, p99: float = 20.0, longest: float = 900.0) -> Span:
    return Span(name, 4000.0, answered, shed, 10.0, p99, longest, 900.0, 950.0, 400, 0, {}, 0.2, CPU)


def _result(rush: Span | None = None, after: Span | None = None) -> RushResult:
    spans = (_span(BEFORE), rush or _span(RUSH, shed=2000.0, p99=800.0), after or _span(AFTERWARDS))
    return RushResult(WantedRush(), {}, 2000.0, (2000.0,), (2500.0,), 350.0, 3000.0, spans, {}, ())


def _reached(result: RushResult) -> list[bool]:
    return [goal.reached for goal in measured(result).goals]


def test_goals_are_reached_or_not() -> None:
    assert _reached(_result()) == [True] * 6
    [work] = measured(_result()).work
    assert (work.ratio, work.cost_us, work.cpu_us["generator"]) == (0.8, 700.0, 100.0)
    slow = _span(RUSH, answered=1600.0, p99=3100.0, longest=3200.0)
    assert _reached(_result(slow, _span(AFTERWARDS, shed=1.0))) == [False] * 3 + [True, False, True]
    assert not _reached(_result(after=_span(AFTERWARDS, p99=90.0)))[5]
