"""Clerks of the bench ``bookings`` at work side by side."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.bookings_clerk import READY, ClerkAccount, ClerkScript
from bench.cpu import Meters
from bench.failure import BenchFailed

_PROJECT = Path(__file__).resolve().parents[1]


def serve(
    environ: Mapping[str, str], meters: Meters, scripts: Sequence[ClerkScript]
) -> tuple[list[ClerkAccount], dict[str, float]]:
    """A clerk for each script, begun together when all are ready; and the CPU seconds that the meters tell of meanwhile.

    Raises ``BenchFailed``.
    """
    running = [
        subprocess.Popen(
            (sys.executable, "-m", "bench.bookings_clerk"),
            env=environ,
            cwd=_PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in scripts
    ]
    try:
        for clerk, script in zip(running, scripts, strict=True):
            assert clerk.stdin is not None
            clerk.stdin.write(json.dumps(asdict(script)) + "\n")
            clerk.stdin.flush()
        for clerk in running:
            assert clerk.stdout is not None
            if clerk.stdout.readline().strip() != READY:
                raise BenchFailed("a clerk did not start")
        before = meters.read()
        for clerk in running:
            assert clerk.stdin is not None
            clerk.stdin.close()
        accounts = [_account(clerk) for clerk in running]
        taken = meters.read().since(before).parts
    except (OSError, ValueError) as error:
        raise BenchFailed("a clerk ended without a word") from error
    finally:
        for clerk in running:
            clerk.kill()
            clerk.wait()
            for pipe in (clerk.stdin, clerk.stdout):
                assert pipe is not None
                pipe.close()
    return accounts, dict(taken)


def _account(clerk: subprocess.Popen[str]) -> ClerkAccount:
    assert clerk.stdout is not None
    return ClerkAccount(**json.loads(clerk.stdout.read()))
