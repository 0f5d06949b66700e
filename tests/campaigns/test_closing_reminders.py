"""Reminders that registration closes: once for each hour and end."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.campaigns.closing_reminders import end_in, remind_of_closing
from bot.registration.closing import close_at
from tests.campaigns.town import POST, Town, local
from tests.world import MORNING


class TestClosing:
    END = local(14, 0)

    def remind(self, town: Town, moment: datetime, end: datetime | None = None) -> int:
        town.clock.moment = moment
        close_at(town.database, end or self.END, now=moment, actor="cli:budi")
        return remind_of_closing(town.database, POST, end_in(town.database, "Asia/Jakarta"), moment)

    def test_goes_once_to_the_half_way(self, town: Town) -> None:
        started, _ = town.office.workers(2)
        town.database.rows("UPDATE worker SET started_at = %s WHERE id = %s", (MORNING, started))
        assert self.remind(town, local(12, 5, 59)) == 0
        assert self.remind(town, local(12, 6)) == 1  # 08.00 in the east
        assert self.remind(town, local(12, 6, 1)) == 0
        town.send()
        assert town.took == []  # where they live it is still early
        town.clock.moment = local(12, 8)
        town.send()
        assert len(town.took) == 1
        assert "Rab 13 Jan 24.00 WIB" in town.took[0][1]
        assert self.remind(town, local(13, 8)) == 1
        assert self.remind(town, local(13, 8), self.END + timedelta(hours=5)) == 1
        assert [name for (name,) in town.database.rows("SELECT name FROM campaign ORDER BY id")] == [
            "reminder closing 24h 2021-01-14T00:00+07:00",
            "reminder closing 3h 2021-01-14T00:00+07:00",
            "reminder closing 3h 2021-01-14T05:00+07:00",
        ]

    def test_without_anybody_it_is_over_at_once(self, town: Town) -> None:
        assert self.remind(town, local(13, 9)) == 0
        assert town.database.rows("SELECT state FROM campaign") == [("finished",)]
