"""Where a conversation stands: the value that the step turns into the next, and its stored form."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic

from bot.conversation.change import changed
from bot.conversation.flow import Flow, M, Row


@dataclass(frozen=True)
class Page:
    """The page of a list that is shown: its rows as shown, the offsets of the pages before, and whether more follow."""

    rows: tuple[Row, ...]
    offset: int
    before: tuple[int, ...]
    more: bool


@dataclass(frozen=True)
class Conversation(Generic[M]):
    """Where one stands.

    ``here`` is the state to come back to while a keyword's task is under way; ``unheard`` an input that came before
    there was a question; ``note`` a message to show above the next screen. ``started_at``: seconds since the epoch.
    """

    state: str
    memory: M
    started_at: float
    page: Page | None = None
    here: str | None = None
    unheard: str | None = None
    note: str | None = None


class NotOurs(ValueError):
    """A stored conversation cannot be used any more.

    It is of another flow, stands in a state that is gone, comes from the future, or cannot be read.
    """


@cache
def _defaults(memory: type) -> dict[str, Any]:
    """The fields of a memory with their defaults: asked for at every turn, so looked up once."""
    return {field.name: field.default for field in dataclasses.fields(memory)}


@cache
def blank(memory: type[M]) -> M:
    """A memory that remembers nothing: one for all, since nobody can change it."""
    return memory()


def freeze(flow: Flow[M], conversation: Conversation[M]) -> dict[str, Any]:
    """The stored form: JSON values, without what is at its default."""
    defaults, passing, remembered = _defaults(flow.memory), flow.passing, conversation.memory
    fields = getattr(remembered, "__dict__", None) or {name: getattr(remembered, name) for name in defaults}
    memory = {
        name: value
        for name, value in fields.items()
        if value is not (default := defaults[name]) and value != default and name not in passing
    }
    stored: dict[str, Any] = {
        "f": flow.name,
        "fv": flow.version,
        "s": conversation.state,
        "m": memory,
        "t": conversation.started_at,
    }
    if conversation.page is not None:
        page = conversation.page
        stored["p"] = [[[row.id, row.label] for row in page.rows], page.offset, list(page.before), page.more]
    return stored


def thaw(flow: Flow[M], stored: dict[str, Any]) -> Conversation[M]:
    """The conversation of a stored form, brought to the flow's version; raises ``NotOurs``."""
    if stored.get("f") != flow.name:
        raise NotOurs("of another flow")
    try:
        return _thaw(flow, stored)
    except NotOurs:
        raise
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        # Whatever a stored form lacks: somebody who talks to us must not run into it again and again.
        raise NotOurs("it cannot be read") from error


def _thaw(flow: Flow[M], stored: dict[str, Any]) -> Conversation[M]:
    if stored["fv"] > flow.version:
        raise NotOurs("of a newer release")
    memory = stored["m"]
    for version in range(stored["fv"], flow.version):
        memory = flow.migrations[version](memory)
    state = stored["s"]
    if state not in flow.by_name or not flow.by_name[state].waits:
        raise NotOurs(f"nobody stands in {state} any more")
    known = _defaults(flow.memory)
    page = None
    if "p" in stored:
        rows, offset, before, more = stored["p"]
        page = Page(tuple(Row(*row) for row in rows), offset, tuple(before), more)
    return Conversation(
        state=state,
        memory=changed(blank(flow.memory), **{name: value for name, value in memory.items() if name in known}),
        started_at=stored["t"],
        page=page,
    )


def forget_passing(flow: Flow[M], memory: M) -> M:
    """The memory without what must not outlive a turn."""
    defaults = _defaults(flow.memory)
    changes = {name: defaults[name] for name in flow.passing if getattr(memory, name) != defaults[name]}
    return changed(memory, **changes) if changes else memory
