"""The shape of a flow: a table of states that can be read, checked and drawn.

A flow is pure. It holds no connection and does nothing by itself: what must be looked up or done leaves a ``Task`` as an
effect, a plain value; whoever drives the conversation carries it out and hands the outcome back to the step.

``M`` is the flow's memory: a frozen dataclass with a field ``language``, whose fields are JSON values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, Generic, Protocol, TypeVar

#: As the target of a keyword's task: back to where the conversation was.
HERE = "@here"


class Memory(Protocol):
    """What every flow's memory has."""

    @property
    def language(self) -> str: ...


M = TypeVar("M", bound=Memory)

#: What is to be done or looked up, and what came of it: plain frozen values, known to the flow and to who carries it out.
Effect = object
Outcome = object


class Words(Protocol):
    """Renders the SMS that an effect carries, in one part: in the memory's language, or in the one that is named."""

    def __call__(self, message: str, language: str | None = None) -> str: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader may know besides the text."""

    today: date


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The text is no answer to the question; ``say`` is the message to ask again with, if there is a better one."""

    say: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list: what it stands for, and what is shown of it."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Rows:
    """The outcome of a list's effect: rows from the offset asked for, at least as many as fit a screen if there are."""

    rows: tuple[Row, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Option(Generic[M]):
    """A numbered choice. ``key`` fixes the number; ``means`` lets a plain yes or no choose it, ``words`` other words."""

    label: str
    to: str
    key: str = ""
    means: bool | None = None
    words: tuple[str, ...] = ()
    keep: Callable[[M], M] | None = None
    when: Callable[[M], bool] | None = None


Say = str | Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Question(Generic[M]):
    """Asks for something typed. ``read`` gives the value or ``Unreadable``; ``keep`` puts it into the memory."""

    name: str
    say: Say
    read: Callable[[str, Reading], object]
    keep: Callable[[M, Any], M]
    to: str
    again: str
    options: tuple[Option[M], ...] = ()
    resume_at: str | None = None
    waits: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Menu(Generic[M]):
    """Offers numbered choices. ``resume_at``: the state to enter instead when somebody dials again and stands here."""

    name: str
    say: Say
    options: tuple[Option[M], ...]
    resume_at: str | None = None
    waits: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Listing(Generic[M]):
    """A paged list: rows are numbered from 1, 9 is more, 0 goes back (a page, then to ``back``)."""

    name: str
    say: Say
    fetch: Callable[[M, int], Effect]
    keep: Callable[[M, Row], M]
    to: str
    back: str
    empty: str
    options: tuple[Option[M], ...] = ()
    resume_at: str | None = None
    waits: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Case(Generic[M]):
    """Where an outcome leads, and what is kept of it."""

    to: str
    keep: Callable[[M, Any], M] | None = None


@dataclass(frozen=True, slots=True)
class Task(Generic[M]):
    """Does something in the world, then goes on by what came of it."""

    name: str
    do: Callable[[M, Words], Effect]
    then: Mapping[type, Case[M]]
    waits: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Branch(Generic[M]):
    """Goes on by what is remembered: the first case that holds."""

    name: str
    cases: tuple[tuple[Callable[[M], bool], str], ...]
    otherwise: str
    waits: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Ending(Generic[M]):
    """The last screen."""

    name: str
    say: Say
    waits: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Aside(Generic[M]):
    """Says something and leaves the conversation where it was."""

    name: str
    say: Say
    waits: ClassVar[bool] = False


State = Question[M] | Menu[M] | Listing[M] | Task[M] | Branch[M] | Ending[M] | Aside[M]


@dataclass(frozen=True, slots=True)
class Keyword(Generic[M]):
    """A word that counts at any moment by SMS, in every language."""

    words: tuple[str, ...]
    to: str
    keep: Callable[[M], M] | None = None


class BrokenFlow(ValueError):
    """A flow's table contradicts itself; raised when the flow is made, never while somebody talks."""


def nobody(_memory: object) -> int:
    """Who is talking, in a flow that does not know."""
    return 0


def unproven(_memory: object) -> bool:
    """Whether they have proved who they are, in a flow where nobody has to."""
    return False


@dataclass(frozen=True)
class Flow(Generic[M]):
    """A conversation as a table.

    ``show`` renders each placeholder of the messages, ``elastic`` names those that may be shortened to fit a screen.
    ``passing`` names the fields of the memory that are forgotten at the end of each turn, so that they are never stored.
    ``migrations[n]`` turns the stored memory of version n into that of n + 1.
    """

    name: str
    version: int
    start: str
    states: Sequence[State[M]]
    memory: type[M]
    show: Mapping[str, Callable[[M], str]]
    elastic: frozenset[str] = frozenset()
    passing: frozenset[str] = frozenset()
    keywords: Sequence[Keyword[M]] = ()
    courtesies: frozenset[str] = frozenset()
    #: Who is talking, by a number that says nothing outside of this service, for notes; 0: not known.
    who: Callable[[M], int] = nobody
    #: Whether they have proved it, for notes too.
    is_proven: Callable[[M], bool] = unproven
    migrations: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = field(default_factory=dict)
    #: Messages that are not screens (texts carried by effects), for the catalogs' tests.
    texts: Sequence[str] = ()
    by_name: Mapping[str, State[M]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_name = {state.name: state for state in self.states}
        if len(by_name) != len(self.states):
            raise BrokenFlow(f"{self.name}: two states share a name")
        object.__setattr__(self, "by_name", by_name)
        for source, target, _ in edges(self):
            if target == HERE and isinstance(by_name.get(source), Task):
                continue
            if target not in by_name:
                raise BrokenFlow(f"{self.name}: {source} leads to {target}, which does not exist")
            if isinstance(by_name[target], Aside) and source in by_name:
                raise BrokenFlow(f"{self.name}: {source} leads to {target}, where only a keyword may lead")
        for state in self.states:
            if isinstance(state, Question | Menu | Listing):
                _check_keys(self.name, state)
        if self.start not in by_name:
            raise BrokenFlow(f"{self.name}: the start {self.start} does not exist")
        for version in range(1, self.version):
            if version not in self.migrations:
                raise BrokenFlow(f"{self.name}: no migration from version {version}")


def _check_keys(flow: str, state: Question[Any] | Menu[Any] | Listing[Any]) -> None:
    """Fixed numbers are single digits; in a list only 8 is free: rows take 1 to 7, 9 and 0 turn pages."""
    for option in state.options:
        if option.key not in ({"8"} if isinstance(state, Listing) else {"", *"0123456789"}):
            raise BrokenFlow(
                f"{flow}: in {state.name} the choice {option.label!r} cannot have the number {option.key!r}"
            )


def edges(flow: Flow[Any]) -> list[tuple[str, str, str]]:
    """Every road of a flow: (from, to, what leads there)."""
    found: list[tuple[str, str, str]] = []
    for state in flow.states:
        if isinstance(state, Question | Menu | Listing):
            found += [(state.name, option.to, option.label) for option in state.options]
            if state.resume_at is not None:
                found.append((state.name, state.resume_at, "dials again"))
        match state:
            case Question():
                found.append((state.name, state.to, "answer"))
            case Listing():
                found += [(state.name, state.to, "row"), (state.name, state.back, "back")]
                found.append((state.name, state.empty, "nothing found"))
            case Task():
                found += [(state.name, case.to, kind.__name__) for kind, case in state.then.items()]
            case Branch():
                found += [(state.name, to, _condition(when)) for when, to in state.cases]
                found.append((state.name, state.otherwise, "otherwise"))
            case _:
                pass
    for keyword in flow.keywords:
        found.append(("SMS", keyword.to, "/".join(keyword.words[:2])))
    return found


def _condition(when: Callable[..., bool]) -> str:
    return getattr(when, "__name__", "").strip("_").replace("_", " ").replace("<lambda>", "if")
