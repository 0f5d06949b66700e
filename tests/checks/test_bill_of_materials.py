"""The bill of materials names what is installed: every pinned package, with its version and every hash."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

_TOP = Path(__file__).parents[2]
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def _made(folder: Path, name: str) -> bytes:
    made = folder / name
    subprocess.run(["make", "--silent", "sbom", f"SBOM={made}"], cwd=_TOP, check=True)
    return made.read_bytes()


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return _made(tmp_path_factory.mktemp("bill"), "sbom.json")


def test_every_pinned_package_is_named_with_its_version_and_hashes(bill: bytes) -> None:
    told: dict[str, Any] = json.loads(bill)
    assert (told["bomFormat"], told["metadata"]["component"]["name"]) == ("CycloneDX", "balas")
    named = {
        (each["name"], each["version"]): {
            (hash_["alg"], hash_["content"]) for place in each["externalReferences"] for hash_ in place["hashes"]
        }
        for each in told["components"]
    }
    requirements = (_TOP / "requirements.txt").read_text()
    found = list(_PINNED.finditer(requirements))
    ends = [each.start() for each in found[1:]] + [len(requirements)]
    pinned = {
        (each[1], each[2]): {("SHA-256", digest) for digest in _HASH.findall(requirements[each.start() : end])}
        for each, end in zip(found, ends, strict=True)
    }
    assert len(pinned) > 40
    assert named == pinned
    assert all(each["purl"] == f"pkg:pypi/{each['name']}@{each['version']}" for each in told["components"])


def test_the_same_list_gives_the_same_bill(bill: bytes, tmp_path: Path) -> None:
    assert _made(tmp_path, "again.json") == bill
