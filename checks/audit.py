"""Asks a feed of known vulnerabilities about every pinned package: ``python -m checks.audit FILE... [-- ARGUMENTS]``.

Exit code 1 on a finding. Where no feed can be reached, or it knows none of the packages, that is said plainly and is no
failure: a build without the internet must not fail, and nobody may take silence for a clean answer.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Seconds for one list of requirements: about a hundred questions to the feed.
_LIMIT = 600


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """A known hole in a package that we pin, and the versions without it."""

    package: str
    version: str
    id: str
    mended_in: tuple[str, ...]

    def __str__(self) -> str:
        mended = f"mended in {', '.join(self.mended_in)}" if self.mended_in else "not mended yet"
        return f"{self.package} {self.version}: {self.id}, {mended}"


@dataclass(frozen=True, slots=True)
class Audit:
    """What a feed said about one list: how many packages it ``knows``, which it does not, and what it ``found``."""

    knows: int
    unknown: tuple[str, ...]
    found: tuple[Vulnerability, ...]


def read(told: str) -> Audit | None:
    """The answer of pip-audit in its JSON form; None if it has none, as where its feed cannot be reached."""
    try:
        packages = json.loads(told)["dependencies"]
    except (ValueError, LookupError, TypeError):
        return None
    known = [each for each in packages if "skip_reason" not in each]
    found = [
        Vulnerability(each["name"], each["version"], hole["id"], tuple(hole["fix_versions"]))
        for each in known
        for hole in each["vulns"]
    ]
    return Audit(len(known), tuple(each["name"] for each in packages if "skip_reason" in each), tuple(found))


def audit(requirements: Path, arguments: Sequence[str] = ()) -> Audit | None:
    """Ask about every package of a list that is pinned with hashes; None where no feed answers.

    ``arguments``: pip-audit's own, such as another feed.
    """
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    command += ["--require-hashes", "--disable-pip", "--requirement", str(requirements), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return None
    return read(done.stdout)


def tell(requirements: Path, answer: Audit | None) -> bool:
    """Print what was found about a list; whether it is free of what is known, as far as anybody could tell."""
    if answer is None:
        print(f"{requirements}: NOT CHECKED. No feed of known vulnerabilities can be reached from here.")
        return True
    if answer.knows == 0:
        print(f"{requirements}: NOT CHECKED. The feed that answers here knows none of these packages.")
        return True
    for hole in answer.found:
        print(f"{requirements}: {hole}")
    if answer.unknown:
        print(f"{requirements}: not known to the feed, so not checked: {', '.join(answer.unknown)}")
    print(f"{requirements}: {answer.knows} packages checked, {len(answer.found)} known vulnerabilities")
    return not answer.found


def main(arguments: Sequence[str]) -> int:
    """Check every list that is named; 1 if anything was found."""
    split = list(arguments).index("--") if "--" in arguments else len(arguments)
    lists, more = [Path(each) for each in arguments[:split]], arguments[split + 1 :]
    if not lists:
        print("usage: python -m checks.audit FILE... [-- ARGUMENTS OF pip-audit]", file=sys.stderr)
        return 2
    clean = [tell(each, audit(each, more)) for each in lists]
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
