"""``make upgrade-check``: the release before says its own tests of the hot path on this tree's schema.

Its tree is taken out of git into a folder of its own, gets this tree's migrations in the place of its own, and runs what
tests a hop, an SMS, sending and receipts. So what stands while web and workers are replaced one by one is tried: old
programs on the new schema. The release before is ``PREVIOUS`` in the environment, else the newest tag ``v*`` before this
commit, else the commit in ``.ci/previous-release``.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
_NAMED = Path(".ci/previous-release")
_MIGRATIONS = Path("bot/db/migrations/versions")
#: What the release before does while it is replaced: callers, texts, handing over, receipts.
_HOT = ("tests/journeys", "tests/messaging")
#: Two files at a time: tests wait, too.
_TOGETHER = ("--numprocesses", "2", "--dist", "loadfile")


class NoCheck(Exception):
    """It cannot be checked, and why, in one line."""


def previous(root: Path, environ: Mapping[str, str]) -> str | None:
    """The commit of the release before, None if there was none; raises ``NoCheck``."""
    if environ.get("PREVIOUS", "").strip():
        return _commit(root, environ["PREVIOUS"].strip())
    tags = _git(root, "tag", "--list", "v*", "--merged", "HEAD", "--sort=-creatordate").split()
    here = _git(root, "rev-parse", "HEAD").strip()
    for tag in tags:
        if (commit := _commit(root, tag)) != here:
            return commit
    named = (root / _NAMED).read_text() if (root / _NAMED).exists() else ""
    lines = [line.strip() for line in named.splitlines() if line.strip() and not line.startswith("#")]
    return _commit(root, lines[0]) if lines else None


def take_out(root: Path, commit: str, folder: Path) -> None:
    """The tree of a commit, with the migrations of ``root``."""
    packed = subprocess.run(["git", "archive", commit], cwd=root, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    shutil.rmtree(folder / _MIGRATIONS)
    shutil.copytree(root / _MIGRATIONS, folder / _MIGRATIONS, ignore=shutil.ignore_patterns("__pycache__"))


def run(root: Path, environ: Mapping[str, str], tests: tuple[str, ...] = _HOT) -> int:
    """Check; the exit code. Raises ``NoCheck``."""
    commit = previous(root, environ)
    if commit is None:
        click.echo("There is no earlier release: nothing runs that an upgrade could break.")
        return 0
    with tempfile.TemporaryDirectory(prefix="balas-previous-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # run as root, PostgreSQL belongs to another account
        take_out(root, commit, folder)
        present = [each for each in tests if (folder / each).is_dir()]
        newest = sorted(path.name for path in (folder / _MIGRATIONS).glob("0*.py"))[-1]
        click.echo(f"{commit[:12]} says {' '.join(present)} on the schema of {newest}")
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *_TOGETHER, *present]
        return subprocess.run(argv, cwd=folder, env=dict(environ), check=False).returncode


def _commit(root: Path, name: str) -> str:
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
    except subprocess.CalledProcessError as error:
        shallow = _git(root, "rev-parse", "--is-shallow-repository").strip() == "true"
        why = "this clone is shallow: git fetch --unshallow --tags" if shallow else "name another one in PREVIOUS"
        raise NoCheck(f"The release before, {name}, is not in this repository; {why}") from error


def _git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Run it on this tree."""
    try:
        sys.exit(run(ROOT, os.environ))
    except NoCheck as error:
        click.echo(str(error), err=True)
    except (OSError, subprocess.CalledProcessError):
        click.echo("This is no clone of the repository, or git is missing: the release before cannot be had.", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
