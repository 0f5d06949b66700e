"""Locks that go with their holder."""

from __future__ import annotations

from pathlib import Path

from bot.embedded.locks import FileLock, is_locked
from tests.embedded.programs import first_line, running

HOLDER = """
import sys
from pathlib import Path
from bot.embedded.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
lock.take()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_is_free_again_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with running(HOLDER, path) as holder:
        first_line(holder)
        assert is_locked(path)
        assert not FileLock(path).take()
        holder.kill()
        holder.wait()
        assert FileLock(path).take(patience=1)


def test_looking_at_a_lock_that_is_not_there_does_not_make_it(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "lock")
    assert not (tmp_path / "lock").exists()


def test_many_share_what_one_cannot_have_alone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second, alone = FileLock(path), FileLock(path), FileLock(path)
    assert first.take(shared=True)
    assert second.take(shared=True)
    first.release()
    assert not alone.take()
    second.release()
    assert alone.take()
    assert not first.take(shared=True)
    alone.release()


def test_a_lock_on_a_file_that_was_replaced_is_no_longer_intact(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = FileLock(path)
    assert lock.take()
    assert lock.intact()
    path.unlink()
    assert not lock.intact()
    assert FileLock(path).take()
