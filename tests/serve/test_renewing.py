"""A process gets a successor, and ends when that works; one that does not work changes nothing."""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bot import listeners
from bot.serve.interrupts import RENEWING, Interrupts, Stopped
from bot.serve.renewing import renew
from bot.serve.supervisor import Child
from tests.embedded.waiting import eventually
from tests.serve.conftest import Stage

#: Writes its process number into a file, says that it works, and tells when it was asked to end.
WORKS = (
    "import os, signal, sys, time\n"
    "def end(*_): open('ended', 'a').write(f'{os.getpid()}\\n'); sys.exit()\n"
    "signal.signal(signal.SIGTERM, end)\n"
    "open('pids', 'a').write(f'{os.getpid()}\\n'); open('ready', 'a').write('x')\n"
    "time.sleep(600)"
)
STAYS = "import os, time; open('pids', 'a').write(f'{os.getpid()}\\n'); time.sleep(600)"
FAILS = "import os; open('pids', 'a').write(f'{os.getpid()}\\n'); raise SystemExit(1)"


def _pids(stage: Stage) -> list[int]:
    return [int(line) for line in stage.lines_of("pids")]


def _is_ready(stage: Stage, wanted: int) -> bool:
    file: Path = stage.folder / "ready"
    return file.exists() and len(file.read_text()) >= wanted


def test_the_old_one_ends_after_the_new_one_works(stage: Stage) -> None:
    child = stage.child("web", WORKS)
    stage.supervisor.start([child])
    stage.turn_until(lambda: _is_ready(stage, 1))
    [old] = _pids(stage)

    def works() -> bool:
        assert psutil.pid_exists(old), "it ended before its successor worked"
        return _is_ready(stage, 2)

    assert stage.supervisor.renew(child, works, 30.0)
    _, new = _pids(stage)
    assert stage.lines_of("ended") == [str(old)]
    assert psutil.pid_exists(new)
    # from now on the new one is followed as the old one was
    os.kill(new, signal.SIGKILL)
    stage.turn_until(lambda: len(_pids(stage)) == 3)


@pytest.mark.parametrize("heard", [listeners.HAND_OVER, signal.SIGTERM])
def test_one_that_listens_ends_in_order_whether_it_knows_how_to_hand_over_or_not(
    stage: Stage, heard: signal.Signals
) -> None:
    [held] = listeners.bound("127.0.0.1", 0, 1)
    child = replace(stage.child("web", WORKS.replace("SIGTERM", heard.name)), listeners=(held,))
    try:
        stage.supervisor.start([child])
        stage.turn_until(lambda: _is_ready(stage, 1))
        [old] = _pids(stage)
        assert stage.supervisor.renew(child, lambda: _is_ready(stage, 2), 30.0)
        assert stage.lines_of("ended") == [str(old)]
    finally:
        os.close(held)


def test_a_successor_that_dies_leaves_the_old_one_listening(stage: Stage) -> None:
    [held] = listeners.bound("127.0.0.1", 0, 1)
    with socket.socket(fileno=os.dup(held)) as ours:
        address = ours.getsockname()
    listens = f"import socket; socket.socket(fileno={held}).listen(); {STAYS}"
    try:
        stage.supervisor.start([replace(stage.child("web", listens), listeners=(held,))])
        stage.turn_until(lambda: len(_pids(stage)) == 1)
        assert not stage.supervisor.renew(replace(stage.child("web", FAILS), listeners=(held,)), lambda: False, 1.0)
        assert len(_pids(stage)) > 1
        socket.create_connection(address, timeout=5).close()
    finally:
        stage.supervisor.stop(grace=0)
        os.close(held)


#: Listens on the sockets that it is given, and says so; or makes one of its own, as a release that does not know of any.
SERVES = (
    "import os, socket, time\n"
    "names = os.environ['BALAS_LISTENERS']\n"
    "if not {deaf}: [socket.socket(fileno=int(each)).listen() for each in names.split(',')]\n"
    "open('pids', 'a').write(f'{os.getpid()}\\n')\n"
    "open(os.environ['BALAS_READY'], 'a').write(f'{os.getpid()}' + ('' if {deaf} else ' ' + names) + '\\n')\n"
    "time.sleep(600)"
)


@pytest.mark.parametrize("many", [1, 2])
@pytest.mark.parametrize("knows", [True, False])
def test_sockets_on_which_a_successor_does_not_listen_take_nobody_in(
    stage: Stage, tmp_path: Path, knows: bool, many: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    held = listeners.bound("127.0.0.1", port, many)
    env = {"PATH": os.environ["PATH"], **listeners.told(held)}

    def web(*, deaf: bool) -> Child:
        program = SERVES.replace("{deaf}", str(deaf))
        return Child("web", (sys.executable, "-u", "-c", program), env, listeners=held)

    try:
        stage.supervisor.start([replace(web(deaf=False), env={**env, "BALAS_READY": str(tmp_path / "first")})])
        stage.turn_until(lambda: len(_pids(stage)) == 1)
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        told: list[str] = []
        second = tmp_path / "second"
        assert renew(stage.supervisor, web(deaf=not knows), second, 1, given_up=lambda: told.append("given up"))
        assert told == ([] if knows else ["given up"])
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            assert knows
        except ConnectionRefusedError:
            assert not knows
    finally:
        stage.supervisor.stop(grace=0)
        for each in held:
            os.close(each)


def test_a_child_has_what_is_passed_to_it(stage: Stage) -> None:
    reader, writer = os.pipe()
    try:
        child = replace(stage.child("web", f"import os; os.write({writer}, b'here')"), listeners=(writer,))
        assert stage.supervisor.run(child) == 0
        assert os.read(reader, 10) == b"here"
    finally:
        os.close(reader)
        os.close(writer)


def test_one_that_does_not_work_leaves_the_old_one_in_its_place(stage: Stage) -> None:
    stage.supervisor.start([stage.child("web", WORKS)])
    stage.turn_until(lambda: _is_ready(stage, 1))
    [old] = _pids(stage)
    assert not stage.supervisor.renew(stage.child("web", FAILS), lambda: False, 1.0)
    tried = len(_pids(stage))
    assert tried > 1
    for _ in range(25):  # longer than the longest pause: nobody starts the broken one again
        stage.supervisor.turn()
    assert len(_pids(stage)) == tried
    assert psutil.pid_exists(old)
    assert stage.lines_of("ended") == []


def test_who_is_asked_to_stop_meanwhile_stops_both(stage: Stage) -> None:
    child = stage.child("web", WORKS)
    stage.supervisor.start([child])
    stage.turn_until(lambda: _is_ready(stage, 1))

    def never() -> bool:
        if _is_ready(stage, 2):
            os.kill(os.getpid(), signal.SIGTERM)
        return False

    with pytest.raises(Stopped):
        stage.supervisor.renew(child, never, 30.0)
    stage.supervisor.stop()
    eventually(lambda: not any(psutil.pid_exists(pid) for pid in _pids(stage)))
    assert len(stage.lines_of("ended")) == 2


def test_the_signal_is_heard_once(interrupts: Interrupts) -> None:
    assert not interrupts.take_renewal()
    os.kill(os.getpid(), RENEWING)
    assert interrupts.take_renewal()
    assert not interrupts.take_renewal()
    assert not interrupts.asked
