"""The follow-up list is counted whole now and then, and what changes is added in between."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.clock import FileClock, set_file_clock
from bot.db.database import Database
from bot.followup.gathering import KIND, gather
from tests.registration.keeper import Keeper
from tests.world import MORNING


def _counted_at(database: Database) -> object:
    return database.value("SELECT body ->> 'counted_at' FROM figure_snapshot WHERE kind = %s", (KIND,))


@pytest.mark.parametrize(("pace", "seconds"), [(1.0, 60), (100.0, 6000)])
def test_it_is_counted_whole_once_in_a_minute_of_the_machine(
    keeper: Keeper, people: list[int], tmp_path: Path, pace: float, seconds: int
) -> None:
    file = tmp_path / "clock.json"
    clock = FileClock(file)
    whole = []
    for later in (0, seconds - 1, seconds):
        set_file_clock(file, MORNING + timedelta(seconds=later), pace=pace)
        assert gather(keeper.database, clock)
        whole.append(_counted_at(keeper.database))
    assert whole[0] == whole[1] != whole[2]
