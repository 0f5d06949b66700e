"""Second notices: to whom a blast could not reach, at the number that the roster has been corrected to."""

from __future__ import annotations

from datetime import date, time, timedelta

from bot.campaigns.second_notices import send_second_notices
from tests.campaigns.town import JAKARTA, POST, Town
from tests.world import MORNING


class TestSecondNotices:
    def notices(self, town: Town) -> int:
        return send_second_notices(town.database, POST, JAKARTA, town.clock.now())

    def test_go_once_to_a_corrected_number(self, town: Town) -> None:
        worker, _ = town.office.workers(2)
        town.office.running()
        town.office.messages_go("rejected", "no such number", attempt=town.office.attempt_goes("settled"))
        assert self.notices(town) == 0
        town.database.rows("UPDATE worker SET phone = '+6281399999999' WHERE id = %s", (worker,))
        assert self.notices(town) == 1
        town.clock.moment += timedelta(days=1)
        assert self.notices(town) == 0
        town.send()
        assert [number for number, _, _ in town.took] == ["+6281399999999"]
        town.database.rows("UPDATE worker SET phone = '+6281388888888' WHERE id = %s", (worker,))
        town.clock.moment += timedelta(days=1)
        assert self.notices(town) == 0  # the blast's deadline is over

    def test_do_not_go_to_the_registered(self, town: Town) -> None:
        booked = town.books("3273", date(2021, 1, 20), time(8), MORNING)
        town.office.running(audience={"states": ["booked"]})
        town.office.messages_go("rejected", "x", attempt=town.office.attempt_goes("settled"))
        town.database.rows("UPDATE worker SET phone = '+6281399999999' WHERE phone = %s", (booked.phone,))
        assert self.notices(town) == 0
