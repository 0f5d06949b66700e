"""What a fault does is done, and is over when it is over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

from faults.carrier import Habits
from faults.kinds import KINDS, full_disk

#: Appends a letter to a file for each line that it reads, and says whether that worked.
_WRITES = """
import os, sys
for line in sys.stdin:
    try:
        with open(sys.argv[1], "a") as file:
            file.write("x")
        print("written", flush=True)
    except OSError as error:
        print(os.strerror(error.errno), flush=True)
"""


def test_a_full_disk_takes_nothing_while_it_lasts(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", _WRITES, str(tmp_path / "file")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None

        def writes() -> str:
            print(file=child.stdin, flush=True)
            return child.stdout.readline().strip()  # type: ignore[union-attr]

        stage: Any = SimpleNamespace(children=lambda *_words: [psutil.Process(child.pid)])
        assert writes() == "written"
        with full_disk(stage, Habits()):
            assert writes() == "File too large"
        assert writes() == "written"
        child.stdin.close()


def test_faults_are_told_apart() -> None:
    assert len({kind.name for kind in KINDS}) == len({kind.words for kind in KINDS}) == len(KINDS)
