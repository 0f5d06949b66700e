"""Every screen of every state, in both languages, with the longest names on record, fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, time
from functools import cache

import pytest

from bot.config import SMALLEST_SCREEN
from bot.conversation.catalog import Catalogs, pieces
from bot.conversation.conversation import Conversation, Page
from bot.conversation.driver import BUSY
from bot.conversation.engine import Engine, Turn
from bot.conversation.flow import Aside, Branch, Ending, Listing, Menu, Question, Row, Rows, State, Task
from bot.conversation.screens import CHOOSE, ONE_SMS, DoesNotFit, keyed
from bot.daytime import day_text, hours_text
from bot.phone import mask_phone
from bot.text import is_gsm7, segments, septets, shorten, to_gsm7
from flows.identity import LANGUAGES as OTHER_LANGUAGES
from flows.identity import NOTICE_TO_ROSTER_NUMBER
from flows.memory import ELASTIC, Memory
from flows.moved_sms import MOVED_SMS, NO_PLACE_SMS
from flows.registration import catalogs, registration
from flows.slots import TICKET_SMS
from tests.flows.talking import READING
from tests.flows.worst_cases import CAMPAIGN, NAMES, OFFSET, WITA, Names, memories

FLOW = registration(CAMPAIGN)
CATALOGS = catalogs()
LANGUAGES = ("id", "en")
#: What answers no question and is on no menu: no date, no day that there ever was, no phrase to search for.
NONSENSE = ("???", "31021985", "x")
#: Limits in septets, and zones. One that is told by its offset is five septets longer than Indonesia's; it fits the
#: screens that operators have, though not the smallest one that may be set.
SIZES = ((160, WITA), (160, OFFSET), (182, OFFSET), (SMALLEST_SCREEN, WITA))

_LABEL_WIDTH = 38
_PLACEHOLDER = re.compile(r"\{\w+\}")


class Recording(Catalogs):
    """The flow's catalogs, which note what is said."""

    def __init__(self) -> None:
        self.default, self.messages = CATALOGS.default, CATALOGS.messages
        self.said: set[str] = set()

    def translate(self, message: str, language: str) -> str:
        self.said.add(message)
        return super().translate(message, language)


@dataclass(frozen=True)
class Shown:
    """A screen: where, to whom, and what was said on it; ``page`` where it is a list."""

    state: str
    memory: Memory
    text: str
    said: frozenset[str]
    page: Page | None = None


class Walk:
    """Goes through all states and collects their screens."""

    def __init__(self, limit: int, zone: str) -> None:
        self.catalogs = Recording()
        self.engine = Engine(FLOW, self.catalogs, limit=limit)
        self.screens: list[Shown] = []
        for language in LANGUAGES:
            for names in NAMES:
                seen: set[tuple[str, ...]] = set()
                for memory in memories(language, names, zone):
                    for state in FLOW.states:
                        self._visit(state, memory, names, seen)

    def _visit(self, state: State[Memory], memory: Memory, names: Names, seen: set[tuple[str, ...]]) -> None:
        if isinstance(state, Task | Branch):
            return
        message = state.say if isinstance(state.say, str) else state.say(memory)
        options = () if isinstance(state, Ending | Aside) else keyed(state.options, memory)
        kind = (state.name, message, *(key + option.label for key, option in options))
        if kind in seen:
            return
        seen.add(kind)
        standing = Conversation(state.name, memory, 0.0)
        match state:
            case Question() | Menu():
                self._note(standing, self.engine.again(standing))
                for text in NONSENSE:
                    self._note(standing, self.engine.hear(standing, text, READING))
            case Listing():
                for rows, page in _pages(names, memory.language):
                    turn = self.engine.resolve(replace(standing, page=page), rows, READING)
                    self._note(standing, turn)
                    assert turn.conversation is not None
                    self._note(standing, self.engine.hear(turn.conversation, "???", READING))
            case Ending() | Aside():
                self._note(standing, Turn(standing, self.engine.screens.saying(state, memory)))

    def _note(self, standing: Conversation[Memory], turn: Turn[Memory]) -> None:
        assert turn.screen is not None
        assert turn.conversation is not None
        assert turn.conversation.state == standing.state
        page = turn.conversation.page
        said = frozenset(self.catalogs.said)
        self.catalogs.said.clear()
        self.screens.append(Shown(standing.state, standing.memory, turn.screen.text, said, page))


def _pages(names: Names, language: str) -> Iterator[tuple[Rows, Page]]:
    """Pages of every kind: one row and as many as are looked up, the first, one in the middle, the last."""
    days = [date.fromordinal(date(2021, 1, 1).toordinal() + number) for number in range(365)]
    longest_day = max((day_text(day, language) for day in days), key=len)
    longest_time = f"{longest_day} {hours_text(time(8), time(23, 59), language)} (100000)"
    for label in (names.facility, names.district, longest_time):
        for count in (1, 2, 8):
            rows = tuple(Row(f"{number} of {count}", label) for number in range(count))
            for more in (False, True):
                for page in (Page((), 0, (), False), Page((), 14, (0, 7), False)):
                    yield Rows(rows, more=more), page


@cache
def walk(limit: int, zone: str) -> Walk:
    return Walk(limit, zone)


every_size = pytest.mark.parametrize(("limit", "zone"), SIZES)


def _wrong(limit: int, zone: str, broken: Callable[[Shown], bool]) -> list[tuple[str, str, str]]:
    """The screens that are broken: state, language and text."""
    return [(each.state, each.memory.language, each.text) for each in walk(limit, zone).screens if broken(each)]


@every_size
class TestScreens:
    def test_it_fits_in_gsm7(self, limit: int, zone: str) -> None:
        assert _wrong(limit, zone, lambda shown: not is_gsm7(shown.text) or septets(shown.text) > limit) == []

    def test_no_choice_is_lost(self, limit: int, zone: str) -> None:
        def lacks_a_choice(shown: Shown) -> bool:
            state = FLOW.by_name[shown.state]
            if not isinstance(state, Question | Menu | Listing):
                return False
            choices = keyed(state.options, shown.memory)
            assert len({key for key, _ in choices}) == len(choices), f"{state.name} gives a number twice"
            return not {f"{key} {_in(option.label, shown)}" for key, option in choices} <= set(shown.text.split("\n"))

        assert _wrong(limit, zone, lacks_a_choice) == []

    def test_no_row_is_lost(self, limit: int, zone: str) -> None:
        def lacks_a_row(shown: Shown) -> bool:
            if shown.page is None:
                return False
            lines = shown.text.split("\n")
            rows = [f"{number} {shorten(row.label, _LABEL_WIDTH)}" for number, row in enumerate(shown.page.rows, 1)]
            start = lines.index(rows[0])
            further = [f"9 {_in('More', shown)}"] if shown.page.more else []
            return lines[start : start + len(rows)] != rows or lines[-1 - len(further) :] != [
                *further,
                f"0 {_in('Back', shown)}",
            ]

        assert _wrong(limit, zone, lacks_a_row) == []

    def test_a_page_holds_more_than_one_row(self, limit: int, zone: str) -> None:
        """Ninety districts, one a page, would be no list. The longest row is 38 septets wide."""
        least = 2 if limit >= 160 else 1
        counts = [
            len(shown.page.rows)
            for shown in walk(limit, zone).screens
            if shown.page is not None and shown.page.rows[0].id == "0 of 8"
        ]
        assert min(counts) >= least
        assert max(counts) >= 2 * least

    def test_nothing_is_cut_but_names(self, limit: int, zone: str) -> None:
        """Tickets, days, hours, zones, numbers to call: whole. Names: shortened at most to 8 septets."""

        def cuts(shown: Shown) -> bool:
            names = {name for message in shown.said for _, name in pieces(_in(message, shown)) if name is not None}
            for name in names:
                value = to_gsm7(FLOW.show[name](shown.memory))
                whole = value if name not in ELASTIC else None
                if whole is not None and whole not in shown.text:
                    return True
                if whole is None and not any(shorten(value, width) in shown.text for width in (8, *range(9, 120))):
                    return True
            return False

        assert _wrong(limit, zone, cuts) == []

    def test_no_placeholder_is_left_open(self, limit: int, zone: str) -> None:
        assert _wrong(limit, zone, lambda shown: bool(_PLACEHOLDER.search(shown.text))) == []

    def test_no_state_and_no_message_is_left_out(self, limit: int, zone: str) -> None:
        screens = walk(limit, zone).screens
        speaking = {state.name for state in FLOW.states if not isinstance(state, Task | Branch)}
        for language in LANGUAGES:
            spoken = [shown for shown in screens if shown.memory.language == language]
            assert {shown.state for shown in spoken} == speaking
            said = {message for shown in spoken for message in shown.said}
            # A language is offered to those who speak the other one.
            unsaid = {TICKET_SMS, NOTICE_TO_ROSTER_NUMBER, MOVED_SMS, NO_PLACE_SMS, BUSY}
            unsaid |= {label for _, label in OTHER_LANGUAGES}
            assert said | unsaid == set(CATALOGS.messages[language])
            assert CHOOSE in said


def _in(message: str, shown: Shown) -> str:
    return CATALOGS.translate(message, shown.memory.language)


@every_size
class TestTexts:
    """What is not a screen of the flow: SMS that effects carry, and what the driver says."""

    def test_a_ticket_is_one_sms(self, limit: int, zone: str) -> None:
        for language, names, sms in _texts(limit, zone, TICKET_SMS):
            body = sms.replace("{code}", "W7XQ3M")
            assert (segments(body).count, is_gsm7(body)) == (1, True), (language, names, body)
            assert "W7XQ3M. " in body
            assert CAMPAIGN.ussd_code in body

    def test_the_notice_to_the_rosters_number_is_one_sms(self, limit: int, zone: str) -> None:
        for language, names, sms in _texts(limit, zone, NOTICE_TO_ROSTER_NUMBER):
            for stranger in ("+628123456789012", "+1" + "2" * 13, "+99812345678"):
                body = sms.replace("{stranger}", mask_phone(stranger))
                assert (segments(body).count, is_gsm7(body)) == (1, True), (language, names, body)
                assert CAMPAIGN.call_centre in body
                assert "TOLAK" in body

    def test_that_we_are_busy_fits_a_screen(self, limit: int, zone: str) -> None:
        for language in LANGUAGES:
            assert septets(CATALOGS.translate(BUSY, language)) <= limit


def _texts(limit: int, zone: str, message: str) -> Iterator[tuple[str, Names, str]]:
    screens = walk(limit, zone).engine.screens
    for language in LANGUAGES:
        for names in NAMES:
            yield language, names, screens.sms(message, next(memories(language, names, zone)))


def test_on_the_screens_that_operators_have_common_names_are_whole() -> None:
    """Siti Wulandari of Jakarta Selatan, at Puskesmas Melati, has nothing shortened anywhere."""
    names = NAMES[0]
    for shown in walk(160, WITA).screens:
        if shown.memory.name != names.person or shown.page is not None or CHOOSE in shown.said:
            continue
        for message in shown.said:
            for _, name in pieces(_in(message, shown)):
                if name is not None:
                    assert FLOW.show[name](shown.memory) in shown.text, shown


def test_the_smallest_screen_that_may_be_set_is_the_smallest_that_works() -> None:
    """If the words get shorter, ``SMALLEST_SCREEN`` may too; if they get longer, the tests above tell."""
    assert ONE_SMS == 160
    with pytest.raises(DoesNotFit):
        Walk(SMALLEST_SCREEN - 2, WITA)
