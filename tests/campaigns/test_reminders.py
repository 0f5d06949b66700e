"""Reminders by themselves: a week with a clock that is killed, doubled and late, in three time zones."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from bot.campaigns.reminder_texts import CLOSING, SOON, TOMORROW
from bot.campaigns.texts import check_text, render
from bot.db.database import DatabaseAway
from bot.text import segments
from tests.campaigns.town import PLACES, WINDOW, ZONES, Booked, Town, local
from tests.world import MORNING


def kind_of(body: str) -> str:
    return "tomorrow" if "besok" in body else "soon"


def test_a_week_of_a_clock_that_is_killed_doubled_and_late(town: Town) -> None:
    chance = Random(20210113)
    town.may_have_accidents()
    coming = []
    for _ in range(150):
        day = date(2021, 1, 14) + timedelta(days=chance.randrange(6))
        booked_at = MORNING + timedelta(minutes=chance.randrange(6 * 24 * 60))
        hour = time(chance.choice((0, 1, 7, 8, 9, 10, 11, 13, 15, 18, 21)))
        coming.append((booked_at, chance.choice(list(ZONES)), day, hour))
    coming = [each for each in coming if datetime.combine(each[2], each[3], ZoneInfo(ZONES[each[1]])) > each[0]]
    coming.sort()
    bookings: list[Booked] = []
    killed = 0
    with ThreadPoolExecutor(2) as two:
        while town.clock.moment < MORNING + timedelta(days=7):
            town.clock.moment += timedelta(minutes=chance.choice((7, 7, 7, 12, 25)))
            now = town.clock.moment
            while coming and coming[0][0] <= now:
                booked_at, code, day, hour = coming.pop(0)
                made = town.books(code, day, hour, booked_at)
                bookings.append(made)
                if chance.random() < 0.1:
                    made.opted_out = True
                    town.database.rows("INSERT INTO opt_out VALUES (%s, 'sms', %s)", (made.phone, now))
            if bookings and chance.random() < 0.02:
                ended = chance.choice(bookings)
                if ended.ends_at is None and ended.starts_at > now:
                    ended.ends_at = now
                    town.database.rows(
                        "UPDATE booking SET state = 'cancelled', ended_at = %s WHERE id = %s", (now, ended.id)
                    )
            if chance.random() < 0.3:
                with town.accident_at(chance.choice(PLACES)):
                    try:
                        town.remind()
                    except DatabaseAway:
                        killed += 1
            if chance.random() < 0.3:
                [each.result() for each in [two.submit(town.remind) for _ in range(2)]]
            town.remind()
            town.send()
    assert killed > 5
    told = Counter((number, kind_of(body)) for number, body, _ in town.took)
    assert max(told.values()) == 1
    # What ends between its moment and the clock's next look is told or not: both are right.
    sure = [
        each
        for each in bookings
        if each.ends_at is None
        or min(abs(each.ends_at - m) for m in (each.day_before(), each.starts_at - timedelta(hours=2)))
        > timedelta(minutes=30)
    ]
    unsure = {each.phone for each in bookings} - {each.phone for each in sure}
    wanted = {(each.phone, "tomorrow") for each in sure if each.wants_tomorrow()}
    wanted |= {(each.phone, "soon") for each in sure if each.wants_soon()}
    assert {each for each in told if each[0] not in unsure} == wanted
    assert len({kind for _, kind in wanted}) == 2
    by_phone = {each.phone: each for each in bookings}
    for number, body, moment in town.took:
        booked = by_phone[number]
        here = moment.astimezone(booked.zone)
        assert WINDOW.opens <= here.time() < WINDOW.closes
        if kind_of(body) == "tomorrow":
            assert booked.day_before() <= moment < booked.day_before() + timedelta(hours=11)
        else:
            assert timedelta(minutes=30) < booked.starts_at - moment <= timedelta(hours=2)
    empty = "SELECT count(*) FROM attempt a WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.attempt_id = a.id)"
    assert town.database.value(empty) == 0


def test_it_goes_to_the_number_that_booked(town: Town) -> None:
    booked = town.books("3273", date(2021, 1, 15), time(10), MORNING, "+6281399999999")
    town.at(local(14, 9))
    assert [number for number, _, _ in town.took] == [booked.phone]


def test_a_number_that_booked_after_it_was_called_wrong_reaches_somebody(town: Town) -> None:
    day, phones = date(2021, 1, 15), [f"+628139999999{number}" for number in range(3)]
    for phone in phones[:2]:
        # a gateway mixed it up, or the number has come back
        wrong_since = MORNING + timedelta(minutes=-1 if phone == phones[0] else 1)
        town.database.rows("INSERT INTO wrong_number VALUES (%s, 'twilio', 'no such number', %s)", (phone, wrong_since))
    for phone in phones:
        town.books("3273", day, time(10), MORNING, phone)
    town.at(local(14, 9))
    assert sorted(number for number, _, _ in town.took) == [phones[0], phones[2]]


def test_what_an_admin_cancelled_stays_so(town: Town) -> None:
    town.books("3273", date(2021, 1, 15), time(10), MORNING)
    town.at(local(14, 9))
    town.database.rows("UPDATE campaign SET state = 'cancelled'")
    town.books("3273", date(2021, 1, 15), time(11), MORNING)
    town.at(local(14, 9, 1))
    assert len(town.took) == 1


def test_what_is_too_late_does_not_leave(town: Town) -> None:
    town.books("3273", date(2021, 1, 14), time(12), MORNING)
    town.clock.moment = local(14, 10, 5)
    assert town.remind() == 1
    town.clock.moment = local(14, 11, 31)
    town.send()
    assert town.database.rows("SELECT state, reason FROM message WHERE kind = 'reminder'") == [
        ("suppressed", "too late")
    ]


@pytest.mark.parametrize("texts", [TOMORROW, SOON, CLOSING])
def test_each_text_is_one_sms(texts: dict[str, str]) -> None:
    values = {"time": "Kam 14 Jan 08.00-10.00 WITA", "place": "Puskesmas Kecamatan Menteng", "ticket": "ABC234"}
    values |= {"closes": "Rab 13 Jan 24.00 WIB", "ussd_code": "*119#", "short_code": "1199"}
    for body in texts.values():
        assert segments(render(check_text(body), values)).count == 1
