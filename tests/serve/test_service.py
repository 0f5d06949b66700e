"""``serve`` and ``demo`` as a person runs them, on embedded servers of their own."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from bot.embedded.layout import Layout
from bot.embedded.locks import FileLock
from bot.serve import run_service
from bot.serve.address import unready
from tests.embedded.programs import PROJECT, servers_on
from tests.embedded.waiting import eventually

#: Seconds for a start on a machine that does other things too.
_PATIENCE = 90.0


class Demo:
    """``python -m bot demo`` on a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.log = folder / "terminal"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "demo"],
                cwd=PROJECT,
                env=_environment(folder, port),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def until_ready(self) -> None:
        """Wait for ``/readyz`` and for the addresses."""
        eventually(lambda: self.process.poll() is not None or "Ctrl-C" in self.log.read_text(), _PATIENCE)
        assert self.process.poll() is None, self.log.read_text()
        assert unready("127.0.0.1", self.port) is None

    def offspring(self) -> list[psutil.Process]:
        """Everything that it started, the servers included."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, command: str) -> psutil.Process | None:
        """The child whose command line contains ``command``."""
        for process in psutil.Process(self.process.pid).children():
            try:
                if command in " ".join(process.cmdline()):
                    return process
            except psutil.NoSuchProcess:
                continue
        return None


def _environment(folder: Path, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return {**kept, "VAR": str(folder), "PORT": str(port), "WORKERS_SAMPLE": "20"}


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def start(new_folder: Callable[[], Path], port: int) -> Iterator[Callable[[], Demo]]:
    """Starts the demo, each time on the same folder."""
    folder = new_folder()
    started: list[Demo] = []

    def once() -> Demo:
        started.append(Demo(folder, port))
        return started[-1]

    yield once
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait()
    eventually(lambda: not servers_on(folder))


def test_the_demo_lives_through_kills_and_two_starts(start: Callable[[], Demo]) -> None:
    demo = start()
    demo.until_ready()
    assert f"http://127.0.0.1:{demo.port}/simulator/" in demo.log.read_text()
    told = _told_to_sign_in(demo)

    second = subprocess.run(
        [sys.executable, "-m", "bot", "serve"],
        cwd=PROJECT,
        env=_environment(demo.folder, demo.port) | {"SMS_GATEWAY": "simulator"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.splitlines() == [
        f"A service is already running on {demo.folder}; stop it, or set VAR to another folder "
        "(and PORT to another port)."
    ]

    worker = demo.child("bot worker")
    assert worker
    worker.kill()
    died = time.monotonic()
    eventually(lambda: (new := demo.child("bot worker")) and new.pid != worker.pid)
    assert time.monotonic() - died < 2

    postgres = int((demo.folder / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(postgres, signal.SIGKILL)
    eventually(lambda: "PostgreSQL was ended by SIGKILL; started again" in demo.log.read_text())
    eventually(lambda: unready("127.0.0.1", demo.port) is None)

    offspring = demo.offspring()
    demo.process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    assert demo.process.wait(30) == 0
    assert time.monotonic() - asked < 15
    assert [process for process in offspring if _lives(process)] == []
    assert servers_on(demo.folder) == []

    again = start()
    again.until_ready()
    assert "There are people on the roster already" in again.log.read_text()
    assert _told_to_sign_in(again) == told
    offspring = again.offspring()
    again.process.kill()
    again.process.wait()
    eventually(lambda: not [process for process in offspring if _lives(process)], 20)


def _told_to_sign_in(demo: Demo) -> tuple[str, str]:
    """Name and password as the demo tells them, with which one does sign in."""
    line = re.search(rf"http://127\.0\.0\.1:{demo.port}/admin/  name (\S+)  password (\S+)", demo.log.read_text())
    assert line is not None, demo.log.read_text()
    file = demo.folder / "demo-admin.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    base = f"http://127.0.0.1:{demo.port}"
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    page = browser.open(f"{base}/admin/sign-in").read().decode()
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert token is not None
    form = {"name": line[1], "password": line[2], "csrf_token": token[1]}
    browser.open(f"{base}/admin/sign-in", urllib.parse.urlencode(form).encode())
    assert line[1] in browser.open(f"{base}/admin/account").read().decode()
    return line[1], line[2]


def _run(environ: Mapping[str, str]) -> int:
    return run_service(environ, sample_workers=None, simulator=False, demo=False)


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("PORT", "eighty", "PORT must be a whole number from 1 to 65535, not 'eighty'"),
        ("HOST", "192.0.2.1", "HOST must be an address of this machine, not '192.0.2.1'."),
        ("SMS_GATEWAY", "", "SMS_GATEWAY is not set"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line_before_anything_starts(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], setting: str, value: str, told: str
) -> None:
    assert _run({"VAR": str(tmp_path), "SMS_GATEWAY": "simulator", setting: value}) == 1
    shown = capfd.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert shown.err.startswith(told)
    assert not (tmp_path / "postgres").exists()


def test_a_database_of_ones_own_wants_keys_of_ones_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    environ = {"VAR": str(tmp_path), "SMS_GATEWAY": "simulator", "DATABASE_URL": "postgresql:///balas"}
    assert _run(environ) == 1
    assert "DATA_KEY is not set" in capfd.readouterr().err
    assert not (tmp_path / "secrets.json").exists()


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert _run({"VAR": str(tmp_path), "SMS_GATEWAY": "simulator", "PORT": str(port)}) == 1
    assert f"Port {port} on 127.0.0.1 is taken" in capfd.readouterr().err
    assert not (tmp_path / "postgres").exists()


def test_the_folder_is_free_again_after_a_failure(tmp_path: Path) -> None:
    assert _run({"VAR": str(tmp_path), "PORT": "0"}) == 1
    assert FileLock(Layout(tmp_path).service_lock).take()
