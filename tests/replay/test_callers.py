"""Callers come to the end that their plan means, whatever the service answers on the way."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from bench.stage import HOST
from flows.registration import catalogs
from replay.books import Books
from replay.callers import Callers
from replay.lines import Lines
from replay.plans import Goal, Plan, Step, Visit
from replay.screens import UNHEARD, state_of
from tests.replay.roster import phone, roster
from tests.replay.webhooks import webhook

ROSTER = roster()
SOMEBODY = ROSTER.workers[4]
BORN = f"{SOMEBODY.birth_date:%d%m%Y}"
ROAD = (("birth_date", BORN), ("confirm", "1"), ("screening", "1"), ("offer", "1"))


def screen(beginning: str, goes_on: bool = True) -> str:
    """A screen of the service in Indonesian, its placeholders filled with something."""
    words = next(each for message, each in catalogs().messages["id"].items() if message.startswith(beginning))
    filled = words.replace("{masked_name}", "S*** W***").replace("{name}", "Siti").replace("{", "").replace("}", "")
    return f"{'CON' if goes_on else 'END'} {filled}"


BIRTH_DATE = screen("Health worker vaccination (privacy: SMS DATA). {masked")
CONFIRM, SCREENING, WHICH = screen("{name}\n{district}"), screen("Any of these"), screen("Which one?")
OFFER, NEXT_OFFER = screen("Your place"), screen("Just taken")
BOOKED = screen("{place}, {day}")
TICKET, DEFERRED = screen("Booked", goes_on=False), screen("Your vaccination is deferred for", goes_on=False)
BUSY = screen("Sorry, the system is busy", goes_on=False)


def plan(*road: tuple[str, str], goal: Goal = Goal.END) -> Plan:
    steps = tuple(Step(state, says, float(place + 1)) for place, (state, says) in enumerate(road))
    return Plan(SOMEBODY, phone(4), BORN, "", False, (Visit(0.0, steps, goal),))


Typed = list[str]


@pytest.fixture
def play() -> Callable[[Plan, list[str]], tuple[Books, Typed]]:
    """Has somebody call a service that shows these screens, one after the other; gives the books and what was typed last."""

    def calls(meant: Plan, screens: list[str]) -> tuple[Books, Typed]:
        heard: list[dict[str, str]] = []
        books = Books(ROSTER)
        with webhook(lambda: screens[len(heard) - 1], heard) as port:
            lines = Lines(HOST, port, 1)
            callers = Callers([meant], lines, books, "/ussd", "/sms")
            until = time.monotonic() + 10
            while not callers.is_done(100.0) and time.monotonic() < until:
                callers.turn(100.0)
                lines.turn(0.01)
            lines.close()
        assert callers.is_done(100.0)
        return books, [each["text"].rpartition("*")[2] for each in heard]

    return calls


def test_the_road_to_a_ticket(play: Callable[[Plan, list[str]], tuple[Books, Typed]]) -> None:
    books, typed = play(plan(*ROAD), [BIRTH_DATE, CONFIRM, SCREENING, OFFER, TICKET])
    assert typed == ["", BORN, "1", "1", "1"]
    assert books.whole().registered == 1


def test_who_is_told_that_we_are_busy_dials_again_and_means_the_same(
    play: Callable[[Plan, list[str]], tuple[Books, Typed]],
) -> None:
    road = (("birth_date", BORN), ("confirm", "1"), ("screening", "2"), ("which", "4"))
    screens = [BIRTH_DATE, CONFIRM, SCREENING, BUSY, SCREENING, WHICH, BUSY, BIRTH_DATE, SCREENING, WHICH, DEFERRED]
    books, typed = play(plan(*road), screens)
    assert typed == ["", BORN, "1", "2", "", "2", "4", "", BORN, "2", "4"]
    assert books.summary()["deferred"] == 1


def test_who_never_saw_the_ticket_of_a_place_that_they_took_sees_it_when_they_dial_again(
    play: Callable[[Plan, list[str]], tuple[Books, Typed]],
) -> None:
    books, typed = play(plan(*ROAD), [BIRTH_DATE, CONFIRM, SCREENING, OFFER, BUSY, BIRTH_DATE, BOOKED])
    assert typed == ["", BORN, "1", "1", "1", "", BORN]
    assert books.whole().registered == 1


def test_a_place_that_was_held_too_long_is_followed_by_the_next(
    play: Callable[[Plan, list[str]], tuple[Books, Typed]],
) -> None:
    books, typed = play(plan(*ROAD), [BIRTH_DATE, CONFIRM, SCREENING, OFFER, NEXT_OFFER, TICKET])
    assert typed == ["", BORN, "1", "1", "1", "1"]
    assert books.whole().registered == 1


def test_what_is_not_asked_again_is_not_typed(play: Callable[[Plan, list[str]], tuple[Books, Typed]]) -> None:
    _, typed = play(plan(*ROAD), [BIRTH_DATE, OFFER, TICKET])
    assert typed == ["", BORN, "1"]


def test_who_means_to_hang_up_does(play: Callable[[Plan, list[str]], tuple[Books, Typed]]) -> None:
    books, typed = play(plan(*ROAD[:2], goal=Goal.HANG_UP), [BIRTH_DATE, CONFIRM, SCREENING])
    assert typed == ["", BORN, "1"]
    assert (books.whole().verified, books.whole().registered) == (1, 0)


def test_words_that_are_none_of_the_services_are_none() -> None:
    assert state_of("Selamat datang di bank kami") == UNHEARD
    assert state_of(f"Silakan ketik angka pilihan.\n{SCREENING}") == "screening"
