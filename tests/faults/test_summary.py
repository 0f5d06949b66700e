"""The table of fault runs: every wrong is counted, and docs/faults.md says what its runs say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faults import summary


def _run(seed: int, recovered: float | None = 0.5, **wrong: list[str]) -> str:
    verdict: dict[str, Any] = {name: [] for name in summary.WRONG}
    fault = {"kind": {"words": "a fault"}, "saw": {"fine": 3, "sorry": 1}, "slowest": 0.25, "recovered": recovered}
    return json.dumps(
        {
            "commit": "0123abc",
            "wanted": {"seed": seed},
            "faults": [fault],
            "verdict": {**verdict, "unknown": 2, **wrong},
            "slowest": 0.25,
            "late": 0,
            "requests": 10,
        }
    )


def test_the_table_counts_what_went_wrong(tmp_path: Path) -> None:
    file = tmp_path / "faults.jsonl"
    file.write_text("\n".join((_run(1), _run(2, None, lost_tickets=["a", "b"]), _run(3, 5.1, overbooked=["c"]))))
    told = summary.summary(file)
    assert "| a fault | 3 | 9 | 3 | 0 | 0 | 0.25 | 5.1, inf |" in told
    assert "3 runs of 0123abc, seeds 1 to 3; 30 requests" in told
    assert "- lost tickets: 2\n" in told
    assert "- overbooked: 1\n" in told
    assert "- doubled messages: 0\n" in told
    assert "- not recovered within 5 s: 2\n" in told


def test_the_table_is_written_into_its_place(tmp_path: Path) -> None:
    runs, document = tmp_path / "runs.jsonl", tmp_path / "told.md"
    runs.write_text(_run(7))
    document.write_text("Before.\n<!-- faults -->\nold\n<!-- /faults -->\nAfter.\n")
    summary.write(runs, document)
    told = document.read_text()
    assert told.startswith("Before.\n<!-- faults -->\n")
    assert told.endswith("<!-- /faults -->\nAfter.\n")
    assert "seeds 7 to 7" in told
    assert "old" not in told
    summary.write(summary.source_of(document), document)
    assert document.read_text() == told


def test_a_document_without_a_place_is_left_as_it_is(tmp_path: Path) -> None:
    runs, document = tmp_path / "runs.jsonl", tmp_path / "told.md"
    runs.write_text(_run(7))
    document.write_text("Nothing.\n")
    with pytest.raises(ValueError, match="no place"):
        summary.write(runs, document)
    assert document.read_text() == "Nothing.\n"


def test_the_document_says_what_its_runs_say() -> None:
    told = summary.DOCUMENT.read_text(encoding="utf-8")
    assert summary.written(told, summary.source_of(summary.DOCUMENT)) == told
