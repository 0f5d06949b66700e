"""Every promise in the documentation names what tries to break it, and that is there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_ROWS = [
    [cell.strip() for cell in line.strip("|\n ").split(" | ")]
    for line in (_ROOT / "docs" / "promises.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| promise", "| ---"))
]


@cache
def _tests() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((_ROOT / "tests").rglob("*.py")))


def _is_there(name: str) -> bool:
    if name.startswith(("make ", "python -m ")):
        word = name.split()[1 if name.startswith("make") else 2].partition(" ")[0]
        makefile = (_ROOT / "Makefile").read_text(encoding="utf-8")
        return f"\n{word}:" in makefile or (_ROOT / word).is_dir()
    path, _, within = name.partition("::")
    if path.endswith(".py"):
        file = _ROOT / path
        return file.is_file() and (not within or _defines(file.read_text(encoding="utf-8"), within))
    return _defines(_tests(), path)


def _defines(source: str, name: str) -> bool:
    return re.search(rf"^\s*(def|class) {re.escape(name)}\b", source, re.MULTILINE) is not None


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row[0][:50])
def test_what_tries_to_break_it_is_there(row: list[str]) -> None:
    promise, mechanism, tests = row
    assert promise.endswith(".")
    assert mechanism
    named = [name for name in re.findall(r"`([^`]+)`", tests) if "=" not in name]
    assert named
    assert [name for name in named if not _is_there(name)] == []


@pytest.mark.parametrize(
    "name", ["test_that_is_not_there", "tests/none.py", "tests/test_promises.py::Nobody", "make tea"]
)
def test_what_is_not_there_is_missed(name: str) -> None:
    assert not _is_there(name)
