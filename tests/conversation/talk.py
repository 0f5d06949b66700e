"""Somebody who talks with the engine at the teahouse."""

from __future__ import annotations

from typing import Any

from bot.conversation.engine import Engine, Turn
from tests.conversation.teahouse import (
    READING,
    Guest,
    Kitchen,
)


class Talk:
    """Somebody at the table: says something, sees what comes back."""

    def __init__(self, engine: Engine[Guest], kitchen: Kitchen) -> None:
        self.engine = engine
        self.kitchen = kitchen
        self.turn: Turn[Guest] = Turn(None)

    def comes(self, memory: Guest | None = None, *, saying: str | None = None) -> Talk:
        return self._settle(self.engine.begin(memory or Guest(), 0.0, READING, unheard=saying))

    def says(self, text: str) -> Talk:
        return self._settle(self.engine.hear(self.conversation, text, READING))

    def shouts(self, keyword: str) -> Talk:
        turn = self.engine.keyword(self.turn.conversation, Guest(), keyword, 0.0)
        assert turn is not None, f"{keyword} is no keyword"
        return self._settle(turn)

    def comes_back(self) -> Talk:
        return self._settle(self.engine.resume(self.conversation))

    def sees(self, screen: str) -> Talk:
        assert self.screen == screen
        return self

    @property
    def conversation(self) -> Any:
        assert self.turn.conversation is not None, f"it is over: {self.screen}"
        return self.turn.conversation

    @property
    def memory(self) -> Guest:
        memory: Guest = self.conversation.memory
        return memory

    @property
    def screen(self) -> str:
        assert self.turn.screen is not None
        return self.turn.screen.text

    @property
    def is_over(self) -> bool:
        assert self.turn.screen is not None
        assert (
            self.turn.screen.goes_on or self.turn.conversation is None or self.turn.screen.text == "Type what you want."
        )
        return self.turn.conversation is None

    def _settle(self, turn: Turn[Guest]) -> Talk:
        self.turn = self.kitchen.settle(self.engine, turn)
        return self
