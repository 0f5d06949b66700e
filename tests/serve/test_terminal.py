"""Writing to a terminal that may not be read."""

from __future__ import annotations

import os
import time

from bot.serve.terminal import Terminal


def test_lines_come_as_they_were_written() -> None:
    reads, writes = os.pipe()
    terminal = Terminal(writes)
    terminal.say("Starting")
    terminal.pass_on("web", "açaí".encode())
    assert os.read(reads, 1000).decode() == "Starting\nweb     | açaí\n"


def test_a_reader_who_stops_reading_stops_nobody_and_is_told_what_was_missed() -> None:
    reads, writes = os.pipe()
    terminal = Terminal(writes)
    began = time.monotonic()
    for number in range(30_000):
        terminal.pass_on("web", b"%06d" % number + b"x" * 94)
    assert time.monotonic() - began < 5
    os.set_blocking(reads, False)
    shown = b""
    while True:
        terminal.flush()
        try:
            shown += os.read(reads, 65536)
        except BlockingIOError:
            break
    lines = shown.decode().splitlines()
    (missed,) = [line for line in lines if line.startswith("...")]
    kept = [line for line in lines if line.startswith("web     | ")]
    assert len(kept) + int(missed.split()[1]) == 30_000
    assert all(len(line) == len(kept[0]) for line in kept), "a line was torn"
    assert kept[-1].startswith("web     | 029999")


def test_a_terminal_that_was_closed_is_no_error() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    terminal = Terminal(writes)
    for _ in range(3):
        terminal.say("Is anybody there?")
    terminal.flush(1)
