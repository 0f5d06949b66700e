"""Receipts follow from what the gateway has taken, and from the seed and the number alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bench.stage import HOST
from bench.stub_gateway.message_log import MessageLog, Taken
from replay.books import BLAST, CLOSING, OFFICE, REPLY, Books
from replay.curve import FIRST
from replay.lines import Lines
from replay.post import ALL_TOLD, BLAST_TEXT, CLOSING_TEXT, OFFICE_TEXT, RECEIPTS, Post, kind_of
from tests.replay.roster import phone, roster
from tests.replay.webhooks import webhook

MANY = 60


@pytest.fixture
def log(tmp_path: Path) -> MessageLog:
    return MessageLog(tmp_path / "messages.log", bodies=True)


def told(tmp_path: Path, *, seed: int) -> tuple[Books, list[dict[str, str]]]:
    """Send all receipts of what the log holds."""
    heard: list[dict[str, str]] = []
    books = Books(roster())
    with webhook(lambda: "", heard) as port:
        lines = Lines(HOST, port, 1, 4)
        post = Post(
            *(tmp_path / "messages.log", lines, books, "/receipts", lambda _phone, _body: None),
            seed=seed,
            wrong="+62837",
        )
        post.look(FIRST)
        waiting = not post.is_done(ALL_TOLD)
        until = time.monotonic() + 10
        while not post.is_done(ALL_TOLD) and time.monotonic() < until:
            post.turn(ALL_TOLD)
            lines.turn(0.01)
        assert waiting
        assert not lines.under_way(RECEIPTS)
        post.close()
        lines.close()
    return books, sorted(heard, key=lambda form: (form["phoneNumber"], form["status"]))


def test_the_books_hold_what_the_receipts_say(tmp_path: Path, log: MessageLog) -> None:
    numbers = [phone(number) for number in range(2, MANY)] + ["+6283700000098"]
    log.write(Taken("stub", f"{BLAST_TEXT} Daftar.", numbers, [f"id-{number}" for number in numbers]))
    books, receipts = told(tmp_path, seed=1)
    final = {form["phoneNumber"]: form["status"] for form in receipts if form["status"] != "Sent"}
    assert books.messages[BLAST, "delivered"] == sum(status == "Success" for status in final.values()) > MANY / 2
    assert final["+6283700000098"] == "Failed"
    assert sum(books.messages.values()) == len(numbers)
    assert told(tmp_path, seed=1)[1] == receipts
    assert told(tmp_path, seed=2)[1] != receipts


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f"{BLAST_TEXT} Daftar.", BLAST),
        (f"{OFFICE_TEXT} ditutup.", OFFICE),
        (CLOSING_TEXT["id"].format(closes="24.00", ussd_code="*119#", short_code="1199"), CLOSING),
        ("Pilih tempat:\n1 Puskesmas", REPLY),
        ("Terdaftar: Puskesmas, Jum 15 Jan 08.00 WIB. Tiket AB2C3D. Bawa KTP. Ubah/batal: *119#", "ticket"),
    ],
)
def test_messages_are_told_apart_by_their_words(body: str, kind: str) -> None:
    assert kind_of(body) == kind
