"""Which release is the one before, and what of it is run on this schema."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import upgrade_check


class Repository:
    """A small repository of releases."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *who, *words], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def release(self, test: str, migration: str, tag: str | None = None) -> str:
        for path, text in (
            (f"bot/db/migrations/versions/{migration}.py", "made here\n"),
            ("tests/journeys/test_it.py", test),
        ):
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", migration)
        if tag is not None:
            self.git("tag", tag)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


#: Fails unless the release's own test finds the later migration beside it.
SEES_NEW_SCHEMA = """
from pathlib import Path
def test_it():
    assert sorted(each.name for each in Path("bot/db/migrations/versions").glob("0*")) == ["0001.py", "0002.py"]
"""


def test_the_release_before_is_run_on_this_trees_migrations(repository: Repository) -> None:
    repository.release(SEES_NEW_SCHEMA, "0001", "v1")
    repository.release("def test_it(): assert False", "0002")
    assert upgrade_check.run(repository.root, {}) == 0


def test_what_fails_there_fails_here(repository: Repository) -> None:
    repository.release("def test_it(): assert False", "0001", "v1")
    repository.release("def test_it(): pass", "0002")
    assert upgrade_check.run(repository.root, {}) != 0


def test_which_one_it_is(repository: Repository) -> None:
    first = repository.release("one", "0001")
    named = repository.root / ".ci/previous-release"
    assert upgrade_check.previous(repository.root, {}) is None
    assert upgrade_check.run(repository.root, {}) == 0
    named.parent.mkdir()
    named.write_text(f"# why\n{first}\n")
    second = repository.release("two", "0002", "v1")
    assert upgrade_check.previous(repository.root, {}) == first  # v1 is this one itself
    repository.release("three", "0003")
    assert upgrade_check.previous(repository.root, {}) == second
    assert upgrade_check.previous(repository.root, {"PREVIOUS": first[:8]}) == first


def test_one_that_is_not_there_is_told(repository: Repository) -> None:
    repository.release("one", "0001")
    with pytest.raises(upgrade_check.NoCheck, match="c0ffee, is not in this repository; name another one in PREVIOUS"):
        upgrade_check.previous(repository.root, {"PREVIOUS": "c0ffee"})
