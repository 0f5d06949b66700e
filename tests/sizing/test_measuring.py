"""What rows and conversations take, measured on the real service, small."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from sizing.__main__ import sizing
from sizing.bytes_in_use import grown, read_tables


def test_a_small_campaign(new_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_folder()
    monkeypatch.setenv("VAR", str(folder))
    (folder / "bench").mkdir()
    done = CliRunner().invoke(sizing, ["measure", "--workers", "500", "--registrations", "40", "--stopped", "3"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert json.loads((folder / "bench" / "sizes.json").read_text()) == found

    rows = found["rows"]
    assert rows["worker"]["rows"] == 500
    # On a machine that has other things to do some are turned away.
    assert 36 <= rows["ticket message"]["rows"] <= rows["booking"]["rows"] <= 40
    # Of each message its way and its end; who has no phone got none, and two who share one got it once.
    assert rows["message"]["rows"] < 500
    assert found["receipts"] == pytest.approx(2.0, rel=0.02)
    assert rows["hop"]["rows"] >= 5 * 36
    # A row is more than what is in it, and there is more of a person than their row on the roster.
    assert found["a_person"] > rows["worker"]["heap"] + rows["worker"]["indexes"] > 200
    # Each screen is longer than the one before, or remembers more; the end of it remembers nothing.
    conversation = found["conversation"]
    assert len(conversation["open"]) == 4
    assert 200 < conversation["over"] < min(conversation["open"]) < max(conversation["open"]) < 2000
    assert (found["blast_segments"], found["ticket_segments"] >= 1) == (1.0, True)


def test_a_table_grows_by_what_is_written(database_url: str) -> None:
    before = read_tables(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO hop (at, worker_id, visit, channel, flow, state) "
            "SELECT now(), n, 1, 'ussd', 'registration', 'identify' FROM generate_series(1, 20000) n"
        )
    [(name, size)] = grown(before, read_tables(database_url)).items()
    assert (name, size.rows) == ("hop", 20_000)
    # 24 bytes before each row and 4 that point to it, and what is in it.
    assert 70 < size.a_row().heap < 100
    assert 20 < size.a_row().indexes < 60
