"""Hosts come and go; where they cannot be made, that is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.embedded.waiting import eventually

ROOT = Path(__file__).parents[2]
_MAKES = """
import sys
from scale.hosts import NoHosts, network
try:
    with network(["here", "there"]) as hosts:
        import subprocess
        subprocess.Popen(hosts["here"].argv("sleep", "600"))
        print("ping", hosts["there"].address, flush=True)
        sys.stdin.read()
except NoHosts as error:
    print(error, flush=True)
"""


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=False).stdout


def test_nothing_is_left_of_hosts_whose_maker_was_killed() -> None:
    maker = subprocess.Popen(
        [sys.executable, "-c", _MAKES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert maker.stdout is not None
    said = maker.stdout.readline()
    if not said.startswith("ping"):  # not root, without iproute2, or within a container that may not
        assert said.startswith(("hosts are network namespaces", "ip ", "another run"))
        maker.communicate()
        return
    assert "balas-here" in _ip("netns", "list")
    assert _ip("netns", "pids", "balas-here").strip()
    maker.kill()
    maker.wait()
    assert eventually(lambda: "balas-" not in _ip("netns", "list") and "balas-" not in _ip("link", "show"))
