"""Every text of the command room is there in Indonesian, with the same things filled in."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from bot.web.admin.words import catalog

_ADMIN = Path(__file__).resolve().parents[3] / "bot" / "web" / "admin"
_IN_TEMPLATES = re.compile(r"""\b_\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


def _texts() -> dict[str, str]:
    """What is marked for translation, and where it stands."""
    found: dict[str, str] = {}
    for path in sorted(_ADMIN.rglob("*.html")):
        for literal in _IN_TEMPLATES.findall(path.read_text(encoding="utf-8")):
            found[ast.literal_eval(literal)] = path.name
    for path in sorted(_ADMIN.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"_", "say", "mark"}:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found[first.value] = path.name
    return found


@pytest.mark.parametrize("text", sorted(_texts()))
def test_it_is_translated(text: str) -> None:
    spoken = catalog("id").get(text)
    assert spoken is not None, f"{_texts()[text]}: not in locales/id: {text!r}"
    assert _holes(spoken) == _holes(text)


def _holes(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
