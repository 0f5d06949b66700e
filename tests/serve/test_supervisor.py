"""Children: followed, started again, stopped together."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bot.serve.interrupts import Interrupts, Stopped
from bot.serve.supervisor import Supervisor
from tests.embedded.programs import PROJECT
from tests.embedded.waiting import eventually
from tests.serve.conftest import Stage

#: Writes its process number into a file and stays.
STAYS = "import os, time; open('pids', 'a').write(f'{os.getpid()}\\n'); time.sleep(600)"

#: The same, deaf to SIGTERM.
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + STAYS

#: Starts a child of its own, which holds on to everything, and stays.
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); {STAYS}"


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _pids(stage: Stage) -> list[int]:
    return [int(line) for line in stage.lines_of("pids")]


def test_every_line_carries_the_name_of_its_child(stage: Stage) -> None:
    program = "import sys; print('one'); sys.stderr.write('two\\n'); print('no end of line', end='')"
    assert stage.supervisor.run(stage.child("web", program)) == 0
    assert stage.shown().splitlines() == ["web     | one", "web     | two", "web     | no end of line"]


def test_a_line_without_end_does_not_fill_the_memory(stage: Stage) -> None:
    assert stage.supervisor.run(stage.child("web", "print('x' * 1_000_000, end='')")) == 0
    shown = stage.shown()
    assert shown.count("x") == 1_000_000
    assert max(len(line) for line in shown.splitlines()) < 200_000


def test_the_exit_code_of_what_runs_once_is_told(stage: Stage) -> None:
    assert stage.supervisor.run(stage.child("database", "raise SystemExit(3)")) == 3


def test_what_runs_once_can_be_interrupted(stage: Stage) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(Stopped):
        stage.supervisor.run(stage.child("sample", STAYS))
    stage.supervisor.stop()
    assert not any(_lives(pid) for pid in _pids(stage))


def test_a_dead_child_is_started_again_within_two_seconds_each_time(stage: Stage) -> None:
    dies = "import time; open('starts', 'a').write(f'{time.time()}\\n')"
    stage.supervisor.start([stage.child("worker", dies), stage.child("web", STAYS)])
    stage.turn_until(lambda: len(stage.lines_of("starts")) == 5)
    starts = [float(line) for line in stage.lines_of("starts")]
    assert max(later - earlier for earlier, later in itertools.pairwise(starts)) < 2
    assert "worker ended with exit code 0; starting it again" in stage.shown()
    assert len(_pids(stage)) == 1, "the other child was disturbed"


def test_a_killed_child_takes_those_it_started_with_it(stage: Stage) -> None:
    stage.supervisor.start([stage.child("web", PARENT)])
    stage.turn_until(lambda: len(_pids(stage)) == 2)
    first = _pids(stage)
    os.kill(next(pid for pid in first if os.getpgid(pid) == pid), signal.SIGKILL)
    stage.turn_until(lambda: len(_pids(stage)) == 4)
    eventually(lambda: not any(_lives(pid) for pid in first))
    assert "web was ended by SIGKILL; starting it again" in stage.shown()


def test_children_get_the_time_to_end_in_order(stage: Stage) -> None:
    tidy = (
        "import signal, sys, time\n"
        "def end(*_): print('tidied up'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print('ready')\n"
        "time.sleep(600)"
    )
    stage.supervisor.start([stage.child("web", tidy), stage.child("clock", tidy)])
    stage.turn_until(lambda: stage.shown().count("ready") == 2)
    began = time.monotonic()
    stage.supervisor.stop()
    assert time.monotonic() - began < 2
    assert stage.shown().count("tidied up") == 2


def test_a_child_that_does_not_end_is_killed_with_those_it_started(stage: Stage) -> None:
    stage.supervisor.start([stage.child("web", PARENT), stage.child("worker", STUBBORN)])
    stage.turn_until(lambda: len(_pids(stage)) == 3)
    began = time.monotonic()
    stage.supervisor.stop(grace=0.5)
    assert time.monotonic() - began < 2
    assert "worker did not end by itself and was killed" in stage.shown()
    eventually(lambda: not any(_lives(pid) for pid in _pids(stage)))


def test_a_second_ctrl_c_does_not_wait(stage: Stage, interrupts: Interrupts) -> None:
    stage.supervisor.start([stage.child("worker", STUBBORN)])
    stage.turn_until(lambda: _pids(stage))
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    assert interrupts.at_once
    began = time.monotonic()
    stage.supervisor.stop()
    assert time.monotonic() - began < 2


def test_children_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path\n"
        "from bot.serve.interrupts import Interrupts\n"
        "from bot.serve.supervisor import Child, Supervisor\n"
        "from bot.serve.terminal import Terminal\n"
        "supervisor = Supervisor(Terminal(), Interrupts(), cwd=Path(sys.argv[1]))\n"
        f"argv = (sys.executable, '-c', {STAYS!r})\n"
        "supervisor.start([Child('web', argv, os.environ), Child('clock', argv, os.environ)])\n"
        "while True: supervisor.turn()"
    )
    pids = tmp_path / "pids"
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=PROJECT) as process:
        eventually(lambda: pids.exists() and len(pids.read_text().splitlines()) == 2)
        process.kill()
    eventually(lambda: not any(_lives(int(pid)) for pid in pids.read_text().split()))


def test_ctrl_c_in_the_terminal_does_not_reach_the_children(stage: Stage) -> None:
    stage.supervisor.start([stage.child("web", STAYS)])
    stage.turn_until(lambda: _pids(stage))
    (pid,) = _pids(stage)
    assert os.getsid(pid) == pid != os.getsid(0)


def test_a_child_that_writes_without_pause_does_not_keep_the_supervisor_from_its_work(
    tmp_path: Path, interrupts: Interrupts
) -> None:
    turns: list[float] = []
    stage = Stage(tmp_path, interrupts)
    stage.supervisor = Supervisor(
        stage.supervisor.terminal, interrupts, cwd=tmp_path, each_turn=lambda: turns.append(time.monotonic())
    )
    stage.supervisor.start([stage.child("web", "while True: print('busy' * 1000)")])
    began = time.monotonic()
    stage.turn_until(lambda: len(turns) == 5, turns=100_000)
    assert time.monotonic() - began < 5
    assert min(later - earlier for earlier, later in itertools.pairwise(turns)) >= 0.09
    stage.close()
