"""The page about security says nothing that is not there: every requirement once, every test by a name that exists."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.sources import ROOT

PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
STANDARD = PAGE.partition("## ASVS 5.0.0")[2].partition("## What a hostile stranger found")[0]
ROWS = re.findall(r"^\| ([0-9]+\.[0-9]+\.[0-9]+) \| (.+?) \| (\w+) \| (.*?) ?\|$", STANDARD, re.MULTILINE)
#: How many requirements of levels 1 and 2 each chapter has.
COUNTS = {1: 27, 2: 11, 3: 19, 4: 10, 5: 9, 6: 35, 7: 18, 8: 7, 9: 7, 11: 14, 12: 9, 13: 13, 14: 9, 15: 13, 16: 16}


def test_every_requirement_of_levels_1_and_2_has_one_line() -> None:
    numbers = [number for number, *_ in ROWS]
    assert [number for number, many in Counter(numbers).items() if many > 1] == []
    assert Counter(int(number.partition(".")[0]) for number in numbers) == COUNTS
    lines = [line for line in STANDARD.splitlines() if re.match(r"\| [0-9]", line)]
    assert len(lines) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_line_claims_no_more_than_it_shows(row: tuple[str, str, str, str]) -> None:
    _, about, state, shown = row
    assert about
    assert state in {"yes", "partly", "no", "operator", "none"}
    assert shown or state in {"none", "operator"}
    for path, name in re.findall(r"`([a-z_0-9/]+\.py)(?:::(\w+))?`", shown):
        file = ROOT / ("" if path.startswith(("bot/", "gateway_adapters/webhook_form")) else "tests") / path
        assert file.is_file(), path
        assert not name or re.search(rf"^\s*(def|class) {name}\b", file.read_text(encoding="utf-8"), re.MULTILINE), name
