"""Replays that were made, as JSON in ``VAR/replay``, and whether those of one seed came to the same books."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from replay.run import Result

#: How many replays of a kind are compared.
_LAST = 2


def store(result: Result, folder: Path) -> Path:
    """Keep a replay beside the others; returns its file."""
    at = datetime.now(UTC)
    wanted = result.wanted
    file = folder / f"replay-{wanted.workers}-seed{wanted.seed}-{at:%Y%m%dT%H%M%S}.json"
    told = {"at": at.isoformat(timespec="seconds"), **asdict(result), "speed": result.speed, "right": result.right}
    file.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return file


def stored(folder: Path) -> Iterator[dict[str, Any]]:
    """All replays that were kept, the oldest first."""
    found = (json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("replay-*.json"))
    yield from sorted(found, key=lambda each: str(each["at"]))


def compared(replays: Iterator[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """The last two replays of each kind, which ought to have the same books: (what they have in common, digests).

    Other rules of who comes make other books: two replays are to be compared that were made with the same ones.
    """
    alike = defaultdict(list)
    for each in replays:
        wanted = each["wanted"]
        common = (
            f"seed {wanted['seed']}, {wanted['workers']:,} workers, {wanted['registrations']:,} registrations by 18.30, "
            f"{wanted['offices']} offices"
        )
        alike[common].append(str(each["digest"]))
    return [(common, digests[-_LAST:]) for common, digests in sorted(alike.items())]
