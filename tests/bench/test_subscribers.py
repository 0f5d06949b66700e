"""The load generator counts what is right, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from bench.failure import BenchFailed
from bench.hops import generate
from bench.script import Account, Script
from bench.subscribers import WrongAnswer, read_answer

#: (text of the hop) -> (status, body); None hangs up.
Answers = Callable[[str], tuple[int, str] | None]


@contextmanager
def webhook(answers: Answers, heard: list[dict[str, str]]) -> Iterator[int]:
    """A web server in this process that answers hops."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
            heard.append(form)
            answer = answers(form["text"])
            if answer is None:
                self.close_connection = True
                return
            status, text = answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


WORKERS = tuple((f"+62812{number:08d}", "17081985") for number in range(7))


def play(answers: Answers, heard: list[dict[str, str]] | None = None, *, to_ticket: bool = True) -> Account:
    """Let seven workers dial, three at a time."""
    with webhook(answers, [] if heard is None else heard) as port:
        return generate(Script("127.0.0.1", port, "/ussd", 3, WORKERS, to_ticket, "s-", patience=5))


def shortest_road(text: str) -> tuple[int, str]:
    return 200, "END Terdaftar. Tiket ABCDEF." if text.count("*") == 3 else "CON Lagi"


def test_everybody_walks_the_shortest_road_once() -> None:
    heard: list[dict[str, str]] = []
    account = play(shortest_road, heard)
    assert (account.walks, account.hops, account.errors) == (7, 35, {})
    assert [len(hops) for hops in account.hop_us] == [7] * 5
    assert {phone for phone, _ in account.endings} == {phone for phone, _ in WORKERS}
    assert len({form["sessionId"] for form in heard}) == 7
    of_one = [form["text"] for form in heard if form["phoneNumber"] == WORKERS[0][0]]
    assert of_one == ["", "17081985", "17081985*1", "17081985*1*1", "17081985*1*1*1"]
    assert set(heard[0]) == {"sessionId", "phoneNumber", "networkCode", "serviceCode", "text"}


def test_the_floor_never_ends() -> None:
    account = play(lambda _text: (200, "CON Lagi"), to_ticket=False)
    assert (account.walks, account.errors, account.endings) == (7, {}, [])


def test_a_walk_may_go_on_where_another_has_left_off() -> None:
    heard: list[dict[str, str]] = []
    with webhook(lambda _text: (200, "CON Lagi"), heard) as port:
        begun = Script("127.0.0.1", port, "/ussd", 3, WORKERS, False, "s-", patience=5, onward=())
        accounts = [generate(begun), generate(replace(begun, onward=("2", "0"), begins=2))]
    assert [[len(hops) for hops in account.hop_us] for account in accounts] == [[7, 7], [7, 7]]
    of_one = [(form["sessionId"], form["text"]) for form in heard if form["phoneNumber"] == WORKERS[0][0]]
    assert [text for _, text in of_one] == ["", "17081985", "17081985*2", "17081985*2*0"]
    assert len({session for session, _ in of_one}) == 1


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        (lambda _text: (503, "gone"), "status 503"),
        (lambda _text: (200, "END Maaf, sibuk."), "screen 1 is no CON"),
        (lambda text: (200, "CON Lagi"), "screen 5 is no END"),
        (lambda _text: None, "the connection was closed"),
    ],
)
def test_what_is_wrong_is_counted_and_the_next_one_dials(answers: Answers, error: str) -> None:
    account = play(answers)
    assert account.walks == 0
    assert account.errors == {error: 7}
    assert account.examples


def test_nobody_there() -> None:
    with webhook(shortest_road, []) as port:
        pass
    with pytest.raises(BenchFailed, match="Refused"):
        generate(Script("127.0.0.1", port, "/ussd", 3, WORKERS, True, "s-"))


def test_an_answer_in_pieces() -> None:
    whole = b"HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length: 8\r\n\r\nCON Lagi"
    assert [read_answer(whole[:end]) for end in range(len(whole))] == [None] * len(whole)
    assert read_answer(whole) == "CON Lagi"
    with pytest.raises(WrongAnswer):
        read_answer(whole + b"H")
