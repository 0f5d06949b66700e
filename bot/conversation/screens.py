"""Screens: a message, its choices and its rows, laid out so that they fit.

A screen has at most ``limit`` septets of GSM-7. What is elastic (names of people and places) is shortened until the
rest fits; lists are paged, and nothing else is ever cut: a test walks every screen with the longest names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.conversation.catalog import Catalogs, mark, pieces
from bot.conversation.flow import Aside, Ending, Flow, Listing, Menu, Option, Question, Row, Say
from bot.text import septets, shorten, to_gsm7

_ = mark

MORE = _("More")
BACK = _("Back")
CHOOSE = _("Please type a number from the list.")

#: Septets of an SMS that leaves in one part (3GPP TS 23.040).
ONE_SMS = 160

#: Elastic text is shortened to these widths, in septets, until the screen fits.
_WIDTHS = (60, 48, 40, 34, 30, 26, 22, 18, 15, 12, 10, 8)
#: The widest row of a list before it is shortened, in septets.
_ROW_WIDTH = 38
#: Rows on one page: 8 is left for a choice of the list's own, 9 is more, 0 back.
_MOST_ROWS = 7


class DoesNotFit(ValueError):
    """A screen is too long even with its names at their shortest. A test walks all screens, so this is a bug."""


@dataclass(slots=True)
class Screen:
    """What is shown, and whether an answer is waited for. ``busy``: all that can be said is that something is away.

    Nobody changes one, but it is not frozen: a hop makes some, and a frozen one takes thrice as long to make.
    """

    text: str
    goes_on: bool
    busy: bool = False


class Screens:
    """Lays out the screens of one flow."""

    def __init__(self, flow: Flow[Any], catalogs: Catalogs, limit: int) -> None:
        self._flow = flow
        self._catalogs = catalogs
        self.limit = limit

    def text(self, message: str, memory: Any) -> str:
        """A message on its own, fitted to a screen."""
        return self._fit(lambda width: self._render(message, memory, width), self.limit)

    def sms(self, message: str, memory: Any) -> str:
        """A message on its own, fitted to one SMS, however long screens may be."""
        return self._fit(lambda width: self._render(message, memory, width), ONE_SMS)

    def asking(self, state: Question[Any] | Menu[Any], memory: Any, note: str | None, say: Say | None = None) -> Screen:
        """The screen of a question or menu, with ``note`` above it where there is room for it."""
        chosen = say if say is not None else state.say
        message = chosen if isinstance(chosen, str) else chosen(memory)
        lines = self.option_lines(state.options, memory)
        return Screen(self._with_note(message, memory, lines, note), goes_on=True)

    def saying(self, state: Ending[Any] | Aside[Any], memory: Any) -> Screen:
        """The screen of an ending or an aside."""
        message = state.say if isinstance(state.say, str) else state.say(memory)
        return Screen(self.text(message, memory), goes_on=False)

    def page(
        self, state: Listing[Any], memory: Any, rows: Sequence[Row], *, more: bool, note: str | None = None
    ) -> tuple[Screen, int]:
        """One page of a list: as many of ``rows`` as fit (at least one), and how many those are."""
        message = state.say if isinstance(state.say, str) else state.say(memory)
        head = self.text(message, memory)
        if note is not None:
            head = self.text(note, memory) + "\n" + head
        labels = [shorten(row.label, _ROW_WIDTH) for row in rows]
        tail = self.option_lines(state.options, memory)
        back = f"0 {self._say(BACK, memory)}"
        further = f"9 {self._say(MORE, memory)}"
        for count in range(min(len(labels), _MOST_ROWS), 0, -1):
            numbered = [f"{number} {label}" for number, label in enumerate(labels[:count], 1)]
            foot = [further] if more or count < len(rows) else []
            text = "\n".join([head, *numbered, *tail, *foot, back])
            if septets(text) <= self.limit:
                return Screen(text, goes_on=True), count
        if note is not None:
            return self.page(state, memory, rows, more=more)
        raise DoesNotFit(f"{self._flow.name}/{state.name}: not even one row fits")

    def option_lines(self, options: Sequence[Option[Any]], memory: Any) -> list[str]:
        """The choices as numbered lines."""
        return [f"{key} {self._render(option.label, memory, None)}" for key, option in keyed(options, memory)]

    def _with_note(self, message: str, memory: Any, lines: list[str], note: str | None) -> str:
        def lay(width: int | None, above: str | None) -> str:
            head = [] if above is None else [self._render(above, memory, width)]
            return "\n".join([*head, self._render(message, memory, width), *lines])

        if note is not None:
            try:
                return self._fit(lambda width: lay(width, note), self.limit)
            except DoesNotFit:
                pass
        return self._fit(lambda width: lay(width, None), self.limit)

    def _fit(self, lay: Callable[[int | None], str], limit: int) -> str:
        text = lay(None)
        if septets(text) <= limit:
            return text
        for width in _WIDTHS:
            text = lay(width)
            if septets(text) <= limit:
                return text
        raise DoesNotFit(f"{self._flow.name}: {septets(text)} septets, {limit} fit")

    def _say(self, message: str, memory: Any) -> str:
        return self._catalogs.translate(message, memory.language)

    def _render(self, message: str, memory: Any, width: int | None) -> str:
        parts = pieces(self._say(message, memory))
        if len(parts) == 1 and parts[0][1] is None:
            return parts[0][0]
        out: list[str] = []
        for text, name in parts:
            out.append(text)
            if name is None:
                continue
            show = self._flow.show.get(name)
            if show is None:
                out.append("{" + name + "}")  # left for whoever carries out the effect
                continue
            value = to_gsm7(show(memory))
            out.append(shorten(value, width) if width is not None and name in self._flow.elastic else value)
        return "".join(out)


def keyed(options: Sequence[Option[Any]], memory: Any) -> list[tuple[str, Option[Any]]]:
    """The choices that hold now, with their numbers: fixed ones keep theirs, the others count from 1."""
    found: list[tuple[str, Option[Any]]] = []
    number = 0
    for option in options:
        if option.when is not None and not option.when(memory):
            continue
        if option.key:
            found.append((option.key, option))
        else:
            number += 1
            found.append((str(number), option))
    return found
