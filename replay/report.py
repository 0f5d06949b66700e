"""What the last whole replays came to, as Markdown: ``python -m replay --write`` puts it into ``docs/replay.md``.

The document has a place for it, from a line ``<!-- replay -->`` to a line ``<!-- /replay -->``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.report import is_commit
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


def unfit(replays: Sequence[dict[str, Any]]) -> str | None:
    """Why a document may not tell of these; None if it may."""
    if len(replays) < LAST:
        return f"{LAST} replays of a kind are wanted, and there is {len(replays)}"
    if wrong := [each["at"] for each in replays if not each["right"]]:
        return f"not everything was right in that of {wrong[0]}"
    commits = sorted({each["commit"] for each in replays})
    if len(commits) > 1 or not is_commit(commits[0]):
        return f"they are not of one commit without changes: {', '.join(commits)}"
    digests = {each["digest"] for each in replays}
    return f"they came to other books: {', '.join(sorted(digests))}" if len(digests) > 1 else None


def report(replays: Sequence[dict[str, Any]]) -> str:
    """Lines of Markdown about replays that were made alike."""
    last = replays[-1]
    wanted, machine = last["wanted"], last["machine"]
    lines = [
        f"{wanted['workers']:,} workers, {wanted['registrations']:,} registrations by 18.30, seed {wanted['seed']}, on "
        f"{machine['cores']} cores ({machine['processor']}).",
        "",
        "| replay | commit | 18.5 h in | times real time | 24 h in | times real time | compared | differ | doctor | digest |",
        "| --- | --- | --: | --: | --: | --: | --: | --: | --- | --- |",
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
        f"{PRESS / each['to_press']:.0f}",
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
