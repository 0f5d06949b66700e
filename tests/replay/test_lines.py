"""What is asked of a service reaches it, also where it was not there for a while."""

from __future__ import annotations

import time

from bench.stage import HOST, free_port
from replay.lines import Lines
from tests.replay.webhooks import webhook


def test_while_nobody_listens_it_does_not_ask_without_end() -> None:
    lines, asked = Lines(HOST, free_port(), 1), 0

    def again(_answer: str | None) -> None:
        nonlocal asked
        asked += 1
        lines.post(0, "/receipts", "id=1", again)

    again(None)
    lines.turn(0.0)  # comes back, which is what is tried here
    lines.turn(0.0)
    assert (asked, lines.failures, lines.under_way(0)) == (2, 1, 1)
    lines.close()


def test_who_has_come_back_hears_what_was_asked_meanwhile() -> None:
    heard: list[dict[str, str]] = []
    answers: list[str] = []
    with webhook(lambda: "", heard) as port:
        pass
    lines = Lines(HOST, port, 1)

    def told(answer: str | None) -> None:
        if answer is None:
            lines.post(0, "/receipts", "id=1", told)
        else:
            answers.append(answer)

    told(None)
    lines.turn(0.0)
    with webhook(lambda: "", heard, port):
        until = time.monotonic() + 10
        while not answers and time.monotonic() < until:
            lines.turn(0.01)
    lines.close()
    assert (answers, heard, lines.failures) == ([""], [{"id": "1"}], 1)
