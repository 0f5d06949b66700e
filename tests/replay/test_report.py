"""What is told of replays comes from what was stored of them."""

from __future__ import annotations

from typing import Any

import pytest

from replay.report import DOCUMENT, last_alike, report, unfit, written
from replay.storing import compared

FIGURES = dict.fromkeys(("delivered", "started", "verified", "screened", "registered"), 1200)


def stored(at: str, *, digest: str = "abc", seed: int = 1, differences: int = 0) -> dict[str, Any]:
    wrong = [{"where": "API", "place": "all", "name": "registered", "books": 1, "dashboard": 2}] * differences
    return {
        "at": at,
        "commit": "1234567",
        "wanted": {"seed": seed, "workers": 5000, "registrations": 710, "speed": 100.0, "offices": 6},
        "machine": {"cores": 2, "processor": "a processor"},
        "took": 1440.0,
        "to_press": 1100.0,
        "broken": [],
        "right": not differences,
        "digest": digest,
        "sentence": "1.200 dari 5.000 terdaftar.",
        "headline": "1,200 of 5,000 registered.",
        "checkpoints": [
            {"at": 66600.0, "books": FIGURES, "dashboard": FIGURES, "compared": 829, "differences": wrong},
        ],
    }


def test_the_report_tells_of_the_replays() -> None:
    told = report([stored("2021-01-14"), stored("2021-01-15", differences=2)])
    assert "| 2021-01-14 | 1234567 | 18 min 20 s | 61 | 24 min 0 s | 60 | 829 | 0 | clean | `abc` |" in told
    assert "| 829 | 2 | clean |" in told
    assert "| 18.30 | 1,200 / 1,200 |" in told
    assert "1.200 dari 5.000 terdaftar." in told


def test_it_is_of_the_last_ones_that_were_made_alike() -> None:
    replays = [stored("1"), stored("2", seed=2), stored("3"), stored("4")]
    assert [each["at"] for each in last_alike(replays)] == ["3", "4"]


@pytest.mark.parametrize(
    ("replays", "why"),
    [
        ([stored("1"), stored("2")], None),
        ([stored("1")], "2 replays of a kind are wanted, and there is 1"),
        ([stored("1"), stored("2", differences=1)], "not everything was right in that of 2"),
        ([stored("1"), {**stored("2"), "commit": "7654321"}], "not of one commit without changes: 1234567, 7654321"),
        ([{**stored(at), "commit": "1234567 with changes"} for at in "12"], "not of one commit without changes"),
        ([stored("1"), stored("2", digest="def")], "other books: abc, def"),
    ],
)
def test_not_everything_is_told_of(replays: list[dict[str, Any]], why: str | None) -> None:
    told = unfit(replays)
    assert told is None if why is None else why in (told or "")


def test_the_document_has_a_place_for_it() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert "here it is" in written(text, "here it is")
    with pytest.raises(ValueError, match="no place"):
        written("nothing", "here it is")


def test_replays_of_one_seed_with_other_books_are_found() -> None:
    [(common, digests)] = compared(iter([stored("0", digest="old"), stored("1"), stored("2", digest="def")]))
    assert "seed 1" in common
    assert digests == ["abc", "def"]
    assert len(compared(iter([stored("1"), stored("2", seed=2)]))) == 2
