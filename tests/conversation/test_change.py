"""Values that follow from one another."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.conversation.change import changed


@dataclass(frozen=True)
class Open:
    a: int = 1
    b: str = "x"


@dataclass(frozen=True, slots=True)
class Slotted:
    a: int = 1
    b: str = "x"


@pytest.mark.parametrize("kind", [Open, Slotted])
def test_the_same_but_for_what_changed(kind: type[Open]) -> None:
    first = kind(a=2)
    second = changed(first, b="y")
    assert (second, type(second)) == (kind(a=2, b="y"), kind)
    assert first == kind(a=2)
    assert changed(first) == first


@pytest.mark.parametrize("kind", [Open, Slotted])
def test_a_field_that_is_none_is_refused(kind: type[Open]) -> None:
    with pytest.raises(TypeError, match="c"):
        changed(kind(), c=3)
