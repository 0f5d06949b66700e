"""A load generator as a process of its own, so that what it takes is not taken from whoever measures."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.failure import BenchFailed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_PROJECT = Path(__file__).resolve().parents[1]


def play(module: str, script: DataclassInstance) -> Any:
    """What ``python -m module`` writes as JSON, told ``script`` as JSON; raises ``BenchFailed`` with its last word."""
    done = subprocess.run(
        (sys.executable, "-m", module),
        input=json.dumps(asdict(script)),
        capture_output=True,
        text=True,
        cwd=_PROJECT,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise BenchFailed(f"the load generator: {lines[-1] if lines else 'it left no word'}")
    return json.loads(done.stdout)
