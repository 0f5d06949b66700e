"""The pure step: (conversation, input) -> (conversation, screen or effect). No clock, no connection, no surprise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic

from bot.conversation.catalog import Catalogs
from bot.conversation.change import changed
from bot.conversation.conversation import Conversation, Page, forget_passing
from bot.conversation.flow import (
    HERE,
    Aside,
    Branch,
    Case,
    Effect,
    Ending,
    Flow,
    Listing,
    M,
    Menu,
    Option,
    Outcome,
    Question,
    Reading,
    Rows,
    State,
    Task,
    Unreadable,
    Words,
)
from bot.conversation.readers import read_choice, read_keyword, read_yes_no
from bot.conversation.screens import CHOOSE, Screen, Screens, keyed


@dataclass(slots=True)
class Turn(Generic[M]):
    """What a step came to: a screen to show, or an effect whose outcome is wanted before there is one.

    ``conversation`` is None once it is over; ``ended``: where it was then.

    Nobody changes one, but it is not frozen: a hop makes some, and a frozen one takes thrice as long to make.
    """

    conversation: Conversation[M] | None
    screen: Screen | None = None
    effect: Effect | None = None
    ended: Conversation[M] | None = None


class UnexpectedOutcome(TypeError):
    """An effect came to something that its task does not know: a bug in the flow or in who carries it out."""


class Engine(Generic[M]):
    """The step of one flow."""

    def __init__(self, flow: Flow[M], catalogs: Catalogs, *, limit: int) -> None:
        self.flow = flow
        self.catalogs = catalogs
        self.screens = Screens(flow, catalogs, limit)
        self._keywords = {word: keyword for keyword in flow.keywords for word in keyword.words}
        self._keyword_names = {word: word for word in self._keywords}

    def begin(self, memory: M, started_at: float, reading: Reading, *, unheard: str | None = None) -> Turn[M]:
        """Start at the beginning. ``unheard``: an input that came before anything was asked; it counts if it answers."""
        conversation = Conversation(self.flow.start, memory, started_at, unheard=unheard)
        return self._offer_unheard(self._enter(conversation, self.flow.start), reading)

    def resume(self, conversation: Conversation[M]) -> Turn[M]:
        """Show again where the conversation stands, to somebody who dials again."""
        state = self.flow.by_name[conversation.state]
        if isinstance(state, Question | Menu | Listing) and state.resume_at is not None:
            return self._enter(conversation, state.resume_at)
        return self._show(conversation)

    def again(self, conversation: Conversation[M]) -> Turn[M]:
        """Show the current screen once more, as it was."""
        return self._show(conversation)

    def hear(self, conversation: Conversation[M], text: str, reading: Reading) -> Turn[M]:
        """Take an input where the conversation stands."""
        turn = self._answer(conversation, text, reading)
        if turn is not None:
            return turn
        state = self.flow.by_name[conversation.state]
        if isinstance(state, Question):
            value = state.read(text, reading)
            say = value.say if isinstance(value, Unreadable) and value.say else state.again
            return self._done(conversation, self.screens.asking(state, conversation.memory, None, say=say))
        return self._show(changed(conversation, note=CHOOSE))

    def keyword(self, conversation: Conversation[M] | None, fresh: M, text: str, started_at: float) -> Turn[M] | None:
        """Take a keyword, whether or not there is a conversation; None if ``text`` is none."""
        word = read_keyword(text, self._keyword_names)
        if word is None:
            return None
        keyword = self._keywords[word]
        current = conversation or Conversation(self.flow.start, fresh, started_at)
        memory = keyword.keep(current.memory) if keyword.keep is not None else current.memory
        current = changed(current, memory=memory, here=None if conversation is None else current.state)
        state = self.flow.by_name[keyword.to]
        if isinstance(state, Aside):
            # Nothing ends by it; but who stood nowhere stands here, for a note.
            told = changed(current, state=keyword.to) if conversation is None else None
            return Turn(conversation, self.screens.saying(state, memory), ended=told)
        return self._enter(current, keyword.to)

    def resolve(self, conversation: Conversation[M], outcome: Outcome, reading: Reading) -> Turn[M]:
        """Go on with what came of the effect of the last turn."""
        state = self.flow.by_name[conversation.state]
        if isinstance(state, Listing) and isinstance(outcome, Rows):
            return self._lay_page(conversation, state, outcome)
        case: Case[M] | None = state.then.get(type(outcome)) if isinstance(state, Task) else None
        if case is None:
            raise UnexpectedOutcome(f"{self.flow.name}/{state.name} does not know {type(outcome).__name__}")
        memory = case.keep(conversation.memory, outcome) if case.keep is not None else conversation.memory
        conversation = changed(conversation, memory=memory)
        if case.to == HERE:
            back = conversation.here
            conversation = changed(conversation, here=None)
            turn = self._enter(conversation, self.flow.start) if back is None else self._return(conversation, back)
        else:
            turn = self._enter(conversation, case.to)
        return self._offer_unheard(turn, reading)

    # --- steps within ---------------------------------------------------------------------------------------------

    def _answer(self, conversation: Conversation[M], text: str, reading: Reading) -> Turn[M] | None:
        """The turn that ``text`` leads to if it answers what is asked; else None."""
        state = self.flow.by_name[conversation.state]
        match state:
            case Menu():
                return self._choose(conversation, state.options, text, yes_no=True)
            case Question():
                chosen = self._choose(conversation, state.options, text, yes_no=False)
                if chosen is not None:
                    return chosen
                value = state.read(text, reading)
                if isinstance(value, Unreadable):
                    return None
                memory = state.keep(conversation.memory, value)
                return self._enter(changed(conversation, memory=memory), state.to)
            case Listing():
                return self._pick(conversation, state, text)
            case _:
                return None

    def _choose(
        self, conversation: Conversation[M], options: tuple[Option[M], ...], text: str, *, yes_no: bool
    ) -> Turn[M] | None:
        choices = keyed(options, conversation.memory)
        if not choices:
            return None
        number = read_choice(text, [int(key) for key, _ in choices])
        said = read_yes_no(text) if number is None and yes_no else None
        word = text.strip().lower().rstrip(".!") if number is None else ""
        for key, option in choices:
            if (
                (number is not None and key == str(number))
                or (said is not None and option.means is said)
                or word in option.words
            ):
                memory = option.keep(conversation.memory) if option.keep is not None else conversation.memory
                return self._enter(changed(conversation, memory=memory, page=None), option.to)
        return None

    def _pick(self, conversation: Conversation[M], state: Listing[M], text: str) -> Turn[M] | None:
        page = conversation.page
        if page is None:
            return self._enter(conversation, state.name)
        fixed = [int(key) for key, _ in keyed(state.options, conversation.memory)]
        number = read_choice(text, [*range(len(page.rows) + 1), *fixed, *([9] if page.more else [])])
        if number is None:
            return None
        if number == 0:
            if not page.before:
                return self._enter(changed(conversation, page=None), state.back)
            return self._turn_page(conversation, state, page.before[-1], page.before[:-1])
        if number == 9 and page.more:
            return self._turn_page(conversation, state, page.offset + len(page.rows), (*page.before, page.offset))
        if number <= len(page.rows):
            memory = state.keep(conversation.memory, page.rows[number - 1])
            return self._enter(changed(conversation, memory=memory, page=None), state.to)
        return self._choose(conversation, state.options, text, yes_no=False)

    def _turn_page(
        self, conversation: Conversation[M], state: Listing[M], offset: int, before: tuple[int, ...]
    ) -> Turn[M]:
        turning = changed(conversation, page=Page((), offset, before, False))
        return Turn(turning, effect=state.fetch(conversation.memory, offset))

    def _lay_page(self, conversation: Conversation[M], state: Listing[M], found: Rows) -> Turn[M]:
        turned = conversation.page or Page((), 0, (), False)
        if not found.rows:
            return self._enter(changed(conversation, page=None), state.empty)
        screen, count = self.screens.page(
            state, conversation.memory, found.rows, more=found.more, note=conversation.note
        )
        more = found.more or count < len(found.rows)
        page = Page(found.rows[:count], turned.offset, turned.before, more)
        return self._done(changed(conversation, page=page), screen)

    def _enter(self, conversation: Conversation[M], name: str) -> Turn[M]:
        """Go to a state and on through those that ask nothing, as far as an effect or a screen."""
        for _ in range(20):
            state: State[M] = self.flow.by_name[name]
            conversation = changed(conversation, state=name)
            match state:
                case Branch():
                    memory = conversation.memory
                    name = next((to for holds, to in state.cases if holds(memory)), state.otherwise)
                case Task():
                    memory = conversation.memory
                    return Turn(conversation, effect=state.do(memory, self._words(memory)))
                case Listing():
                    return self._turn_page(conversation, state, 0, ())
                case Ending():
                    return Turn(None, self.screens.saying(state, conversation.memory), ended=conversation)
                case _:
                    return self._show(conversation)
        raise RecursionError(f"{self.flow.name}: {name} is on a circle of states that ask nothing")

    def _words(self, memory: M) -> Words:
        def words(message: str, language: str | None = None) -> str:
            speaking = memory if language is None else changed(memory, language=language)
            return self.screens.sms(message, speaking)

        return words

    def _return(self, conversation: Conversation[M], name: str) -> Turn[M]:
        state, page = self.flow.by_name[name], conversation.page
        conversation = changed(conversation, state=name)
        if isinstance(state, Listing) and page is not None:
            # Looked up anew: its rows may be in a language that is not spoken any more.
            return self._turn_page(conversation, state, page.offset, page.before)
        return self._show(conversation)

    def _show(self, conversation: Conversation[M]) -> Turn[M]:
        state = self.flow.by_name[conversation.state]
        memory = conversation.memory
        match state:
            case Question() | Menu():
                return self._done(conversation, self.screens.asking(state, memory, conversation.note))
            case Listing():
                page = conversation.page
                if page is None:
                    return self._turn_page(conversation, state, 0, ())
                return self._show_page(conversation, state, page)
            case _:
                return self._enter(conversation, state.name)

    def _show_page(self, conversation: Conversation[M], state: Listing[M], page: Page) -> Turn[M]:
        """The page as it was. A note stands above it only where it costs no row: 9 goes on behind the page's last."""
        memory = conversation.memory
        screen, count = self.screens.page(state, memory, page.rows, more=page.more, note=conversation.note)
        if count < len(page.rows):
            screen, count = self.screens.page(state, memory, page.rows, more=page.more)
            page = changed(page, rows=page.rows[:count], more=page.more or count < len(page.rows))
        return self._done(changed(conversation, page=page), screen)

    def _done(self, conversation: Conversation[M], screen: Screen) -> Turn[M]:
        memory = forget_passing(self.flow, conversation.memory)
        return Turn(changed(conversation, memory=memory, note=None), screen)

    def _offer_unheard(self, turn: Turn[M], reading: Reading) -> Turn[M]:
        """Let an input that came early answer the first question, if it does; it is offered once."""
        conversation = turn.conversation
        if turn.screen is None or conversation is None or conversation.unheard is None:
            return turn
        text = conversation.unheard
        waiting = changed(conversation, unheard=None)
        return self._answer(waiting, text, reading) or Turn(waiting, turn.screen)


def outcome_kinds(flow: Flow[Any]) -> set[type]:
    """Every outcome that a flow knows."""
    return {kind for state in flow.states if isinstance(state, Task) for kind in state.then}
