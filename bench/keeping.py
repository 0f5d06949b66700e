"""Where results are kept: JSON below VAR/bench, the last of each bench, and whole runs of all of them with a number each."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_RUNS = "runs"


def bench_folder() -> Path:
    """VAR/bench, by default var/bench."""
    return Path(os.environ.get("VAR", "").strip() or "var").absolute() / "bench"


def new_run(folder: Path) -> Path:
    """An empty folder ``runs/<n>`` with the number after the greatest there is."""
    runs = folder / _RUNS
    runs.mkdir(parents=True, exist_ok=True)
    run = runs / str(max(run_numbers(folder), default=0) + 1)
    run.mkdir()
    return run


def run_numbers(folder: Path) -> list[int]:
    """The numbers of the runs that are kept, ascending."""
    return sorted(int(run.name) for run in (folder / _RUNS).glob("*") if run.is_dir() and run.name.isdigit())


def keep(text: str, name: str, *folders: Path) -> None:
    """Write a result's JSON as ``<name>.json`` into folders, which are there already."""
    for folder in folders:
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def kept(folder: Path, number: int) -> Mapping[str, Mapping[str, Any]]:
    """The results of a run, by bench; raises ``ValueError`` for what is no JSON."""
    files = sorted((folder / _RUNS / str(number)).glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
