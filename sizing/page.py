"""The page with the tables: ``docs/scaling.md``, and what is kept beside it of the benches that measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.failure import BenchFailed
from sizing.inputs import Inputs
from sizing.tables import tables

_DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, KEPT = _DOCS / "scaling.md", _DOCS / "scaling.json"
_BEGIN, _END = "<!-- scaling:tables -->", "<!-- /scaling:tables -->"


def kept_measures(file: Path = KEPT) -> dict[str, Any]:
    """What is kept of the benches; raises ``OSError`` or ``ValueError``."""
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return kept


def keep_measures(kept: Mapping[str, Any], file: Path = KEPT) -> None:
    """Keep them, in place of what was there."""
    file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def written(page: str, kept: Mapping[str, Any], put: Inputs) -> str:
    """The page with its tables made anew; raises ``BenchFailed`` if it has no place for them."""
    before, begun, rest = page.partition(_BEGIN)
    _old, ended, after = rest.partition(_END)
    if not begun or not ended:
        raise BenchFailed(f"the page has no {_BEGIN} ... {_END}")
    return f"{before}{_BEGIN}\n\n{tables(kept, put)}\n\n{_END}{after}"
