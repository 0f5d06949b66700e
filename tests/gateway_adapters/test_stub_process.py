"""The stub gateways in processes of their own, as benchmarks and fault tests use them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from gateway_adapters.africastalking import AfricasTalking
from gateway_adapters.base import Accepted, Outgoing, Rejected, Unknown
from tests.gateway_adapters.conftest import PUBLIC_URL

SITI, BUDI = "+6281234567890", "+6281234567891"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "requests.jsonl"


@pytest.fixture
def stub_url(log: Path) -> Iterator[str]:
    argv = [sys.executable, "-m", "tests.stub_gateways.africastalking_stub", "--log", str(log)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=root) as stub:
        assert stub.stdout is not None
        yield stub.stdout.readline().strip()
        stub.terminate()


def tell(url: str, what: str, **form: object) -> None:
    with urlopen(f"{url}/_stub/{what}", urlencode(form).encode(), timeout=5) as answer:
        assert answer.status == 200


def test_it_is_told_what_to_do_and_tells_what_came(stub_url: str, log: Path) -> None:
    environ = {"AT_USERNAME": "kemenkes", "AT_API_KEY": "k", "AT_API_URL": stub_url}
    gateway = AfricasTalking(environ, public_url=PUBLIC_URL, timeout=2)
    tell(stub_url, "behave", behaviour="drop-after-reading", times=1)
    assert isinstance(gateway.send([Outgoing(1, SITI, "satu")])[0], Unknown)
    tell(stub_url, "refuse", number=BUDI, code=406)
    assert isinstance(gateway.send([Outgoing(2, BUDI, "dua")])[0], Rejected)
    assert isinstance(gateway.send([Outgoing(3, SITI, "tiga")])[0], Accepted)
    tell(stub_url, "behave", behaviour="drop-before-reading")
    assert isinstance(gateway.send([Outgoing(4, SITI, "empat")])[0], Unknown)
    lines = log.read_text()
    taken = [(one["number"], one["body"]) for line in lines.splitlines() for one in json.loads(line)["taken"]]
    assert taken == [(SITI, "satu"), (SITI, "tiga")]
    with urlopen(f"{stub_url}/_stub/log", timeout=5) as answer:
        assert answer.read().decode() == lines
