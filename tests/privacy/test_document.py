"""docs/privacy.md names every table, column and setting there is about people."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from bot.kept_for import KeptFor, kept_for
from bot.privacy.columns import ABOUT, OF_OFFICERS, WHOLE_LISTS

_TEXT = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")
#: What the rows of the table say of each database table, taken together.
_ROWS = {
    name: " ".join(line for line in _TEXT.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1])
    for name in (*ABOUT, *OF_OFFICERS, *WHOLE_LISTS)
}


@pytest.mark.parametrize("name", sorted(_ROWS))
def test_every_table_and_personal_column_is_in_it(name: str) -> None:
    assert _ROWS[name], f"docs/privacy.md says nothing of {name}"
    columns = (*ABOUT[name].personal, *ABOUT[name].withheld) if name in ABOUT else ()
    assert [each for each in columns if f"`{each}`" not in _ROWS[name]] == []


def test_every_setting_stands_there_with_its_default() -> None:
    defaults = kept_for({}, lambda _environ, _name, default, _low, _high: default)
    assert defaults == KeptFor()
    told = dict(re.findall(r"^\| `KEEP_([A-Z_]+)_DAYS` \| (\d+) \|", _TEXT, re.MULTILINE))
    assert told == {field.name.upper(): str(field.default) for field in fields(KeptFor)}


def test_each_setting_reads_its_own_name() -> None:
    names: list[str] = []
    kept_for({}, lambda _environ, name, default, _low, _high: names.append(name) or default)  # type: ignore[func-returns-value]
    assert names == [f"KEEP_{field.name.upper()}_DAYS" for field in fields(KeptFor)]
