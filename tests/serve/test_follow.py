"""Following another's log."""

from __future__ import annotations

from pathlib import Path

from bot.serve.follow import FollowedLog


def test_only_whole_new_lines_are_told(tmp_path: Path) -> None:
    log = tmp_path / "servers.log"
    log.write_text("long ago\n")
    followed = FollowedLog(log)
    assert followed.new_lines() == []
    with log.open("a") as end:
        end.write("one\ntw")
        end.flush()
        assert followed.new_lines() == [b"one"]
        end.write("o\n")
    assert followed.new_lines() == [b"two"]
    assert followed.new_lines() == []


def test_a_log_that_is_begun_anew_or_not_there_yet(tmp_path: Path) -> None:
    log = tmp_path / "servers.log"
    followed = FollowedLog(log)
    assert followed.new_lines() == []
    log.write_text("first words of many\n")
    assert followed.new_lines() == [b"first words of many"]
    log.write_text("anew\n")
    assert followed.new_lines() == [b"anew"]
