"""What the last whole replays came to, as Markdown: ``python -m replay --write`` puts it into ``docs/replay.md``.

The document has a place for it, from a line ``<!-- replay -->`` to a line ``<!-- /replay -->``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from replay.curve import CLOSES, PRESS
from replay.timekeeper import said

DOCUMENT: Final = Path(__file__).resolve().parents[1] / "docs" / "replay.md"
#: How many replays are told of.
LAST: Final = 2
_PLACE: Final = re.compile(r"(?<=^<!-- replay -->\n).*?(?=^<!-- /replay -->$)", re.MULTILINE | re.DOTALL)
_NAMES: Final = ("delivered", "started", "verified", "screened", "registered")


def last_alike(replays: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last replays that were made as the last one was, the oldest first."""
    alike = [each for each in replays if each["wanted"] == replays[-1]["wanted"]]
    return alike[-LAST:]


def report(replays: Sequence[dict[str, Any]]) -> str:
    """Lines of Markdown about replays that were made alike."""
    last = replays[-1]
    wanted, machine = last["wanted"], last["machine"]
    lines = [
        f"{wanted['workers']:,} workers, {wanted['registrations']:,} registrations by 18.30, seed {wanted['seed']}, on "
        f"{machine['cores']} cores ({machine['processor']}).",
        "",
        "| replay | commit | 18.5 h in | 24 h in | times real time | figures compared | differ | doctor | digest |",
        "| --- | --- | --: | --: | --: | --: | --: | --- | --- |",
        *(_row(each) for each in replays),
        "",
        "| WIB | " + " | ".join(f"{name}, books / dashboard" for name in _NAMES) + " | compared | agreed |",
        "| --- |" + " --: |" * (len(_NAMES) + 1) + " --- |",
        *(_checkpoint(each) for each in last["checkpoints"]),
        "",
        f"The sentence for the press at {said(PRESS)}: {last['sentence']}",
        "",
        f"In English: {last['headline']}",
    ]
    return "\n".join(lines) + "\n"


def written(text: str, told: str) -> str:
    """A document with ``told`` in its place; raises ``ValueError`` where it has none."""
    if _PLACE.search(text) is None:
        raise ValueError("the document has no place for replays")
    return _PLACE.sub(lambda _found: f"\n{told}\n", text)


def _row(each: dict[str, Any]) -> str:
    differ = sum(len(point["differences"]) for point in each["checkpoints"])
    cells = (
        each["at"],
        each["commit"],
        _minutes(each["to_press"]),
        _minutes(each["took"]),
        f"{CLOSES / each['took']:.0f}",
        f"{sum(point['compared'] for point in each['checkpoints']):,}",
        str(differ),
        "clean" if not each["broken"] else "not clean",
        f"`{each['digest']}`",
    )
    return f"| {' | '.join(cells)} |"


def _checkpoint(point: dict[str, Any]) -> str:
    cells = (f"{point['books'][name]:,} / {point['dashboard'][name]:,}" for name in _NAMES)
    agreed = "no" if point["differences"] else "yes"
    return f"| {said(point['at'])} | {' | '.join(cells)} | {point['compared']:,} | {agreed} |"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"
