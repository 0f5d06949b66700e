"""A worker's story tells their conversations: when, by which channel, screen by screen, in the reader's language."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest

from bot.conversation.flow import Aside, Ending
from bot.officers.accounts import Role
from bot.registration import hops
from bot.services import Services
from bot.web.admin.screen_words import SCREENS
from flows.memory import Campaign
from flows.registration import registration
from tests.journeys.conftest import phone_of, post
from tests.phones import Phone
from tests.web.admin.conftest import MovableClock, Officer, SignIn
from tests.web.admin.neighbours import Neighbours, neighbours, page_of
from tests.world import World

__all__ = ["phone_of", "post"]


@pytest.fixture
def town(world: World) -> Neighbours:
    return neighbours(world)


@pytest.fixture
def district(sign_in: SignIn, town: Neighbours) -> Officer:
    return sign_in(Role.DISTRICT, "3273")


def talks(services: Services, clock: MovableClock, phone: Phone, *inputs: str) -> None:
    """Somebody dials and types, ten seconds each, and a worker copies it."""
    phone.dials()
    for typed in inputs:
        clock.passes(seconds=10)
        phone.types(typed)
    copied(services)


def copied(services: Services) -> None:
    services.hop_notes.write()
    while hops.copy(services.queue, services.database, services.clock.now())[0]:
        pass


def conversations(page: str) -> list[tuple[str, str, list[str]]]:
    """What the page tells: channel, where they stood last, and the screens with their times."""
    told = []
    for event in re.findall(r'<li class="event talked">(.*?)</ol>', page, re.DOTALL):
        [channel] = re.findall(r"<b>(.*?)</b>", event)
        [last] = re.findall(r"</b>\s*<small>(.*?)</small>", event)
        screens = [
            re.sub(r"\s+", " ", re.sub(r"<.*?>", "", each)).strip()
            for each in re.findall(r"<li>(.*?)</li>", event, re.DOTALL)
        ]
        told.append((channel, last, screens))
    return told


def test_sessions_with_their_screens(
    district: Officer, town: Neighbours, phone_of: object, services: Services, clock: MovableClock
) -> None:
    assert callable(phone_of)
    assert town.here.phone is not None
    talks(services, clock, phone_of(town.here.phone), town.here.typed_birth_date, "1", "1", "3")
    clock.passes(minutes=2)
    talks(services, clock, phone_of(town.here.phone))
    page = district.reads(page_of(town.here))
    assert conversations(page) == [
        ("USSD session", "stood last at: list of times", ["09.02.40 list of times"]),
        (
            "USSD session",
            "stood last at: list of times",
            [
                "09.00.00 birth date asked",
                "09.00.10 name and district to confirm",
                "09.00.20 screening",
                "09.00.30 place offered",
                "09.00.40 list of times",
            ],
        ),
    ]
    assert "a single one may be missing" in page


def test_a_screen_again_and_again_is_one_line(
    district: Officer, town: Neighbours, phone_of: object, services: Services, clock: MovableClock
) -> None:
    assert callable(phone_of)
    assert town.here.phone is not None
    phone = phone_of(town.here.phone)
    talks(services, clock, phone, "31022000", "01011999", "no date", town.here.typed_birth_date)
    [(_, _, screens)] = conversations(district.reads(page_of(town.here)))
    assert screens == ["09.00.00 birth date asked (4 times)", "09.00.40 name and district to confirm"]


def test_a_conversation_by_sms_is_one_among_its_messages(
    district: Officer, town: Neighbours, phone_of: object, services: Services, clock: MovableClock
) -> None:
    assert callable(phone_of)
    assert town.here.phone is not None
    phone = phone_of(town.here.phone)
    for text in (town.here.typed_birth_date, "1", "1"):
        phone.texts(text)
        clock.passes(minutes=5)
    copied(services)
    page = district.reads(page_of(town.here))
    [(channel, last, screens)] = conversations(page)
    assert (channel, last) == ("Conversation by SMS", "stood last at: place offered")
    assert [screen.split(" ", 1)[1] for screen in screens] == [
        *("name and district to confirm", "screening", "place offered")
    ]


def test_it_is_told_in_the_readers_language_and_within_their_area(
    sign_in: SignIn, district: Officer, town: Neighbours, phone_of: object, services: Services, clock: MovableClock
) -> None:
    assert callable(phone_of)
    assert town.here.phone is not None
    talks(services, clock, phone_of(town.here.phone), town.here.typed_birth_date)
    services.database.rows("UPDATE admin SET language = 'id'")
    [(channel, last, screens)] = conversations(district.reads(page_of(town.here)))
    assert (channel, last) == ("Sesi USSD", "terakhir di: konfirmasi nama dan kabupaten/kota")
    assert screens[0] == "09.00.00 tanggal lahir ditanyakan"
    neighbour = sign_in(Role.DISTRICT, "3578")
    assert neighbour.opens(page_of(town.here)).status_code == 404
    assert conversations(neighbour.reads(page_of(town.there))) == []


def test_pages_go_on_behind_conversations(
    district: Officer, town: Neighbours, services: Services, clock: MovableClock
) -> None:
    """Thirty to a page, each once, also where several began at the same moment."""
    for visit in range(45):
        services.database.rows(
            "INSERT INTO hop (at, worker_id, visit, channel, flow, state) "
            "VALUES (%s, %s, %s, 'ussd', 'registration', 'offer')",
            (clock.now + timedelta(seconds=visit // 3), town.here.id, visit),
        )
    first = district.reads(page_of(town.here))
    further = re.search(r'before=([^"&]+)">Older', first)
    assert further is not None
    second = district.reads(page_of(town.here), before=unquote(further[1]))
    assert (len(conversations(first)), len(conversations(second))) == (30, 15)


def test_every_screen_of_the_flow_has_a_name() -> None:
    flow = registration(Campaign("*119#", "1500", (18, 59)))
    shown = {state.name for state in flow.states if state.waits or isinstance(state, Ending | Aside)}
    assert set(SCREENS) == shown
