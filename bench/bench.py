"""What a bench is to ``python -m bench``: a name, options, and what is done with what it found.

To add one: a module in ``bench/entries/`` with a ``Bench``, and a line in ``bench/registry.py``. It is then a command, a part
of ``all``, a table of ``report`` and, with a ``Growth``, a part of ``growth``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import click
from rich.console import Console

from bench.measures import Measured

#: What was wanted of it (a frozen dataclass), and what it found.
W = TypeVar("W")
R = TypeVar("R")
#: Tells whoever waits what is being done.
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Growth(Generic[W]):
    """How the cost of a unit is to be looked at while something becomes larger.

    ``of``: the word for what does ("workers on the roster", "messages"); ``sizes``: x1, x10 and x100 of it; ``wanted(size)``:
    what ``measure`` gets, with no more work than a steady figure takes (some seconds of CPU), for all three should be done
    in a few minutes. The works of all sizes have the same names.
    """

    of: str
    sizes: tuple[int, int, int]
    wanted: Callable[[int], W]


@dataclass(frozen=True, slots=True)
class Bench(Generic[W, R]):
    """One bench.

    ``about``: a line of help. ``options`` of its command; ``wanted`` makes of their values what ``measure`` gets, may raise
    ``click.UsageError``, and gives the defaults when called without any. ``measure(wanted, folder, say)`` works in a run folder
    below ``folder`` and raises ``BenchFailed``, ``EmbeddedServerError``, ``OSError`` or ``psycopg.Error``. ``measured``: its
    result in the common shape. ``stored``: its own details, as JSON takes them. ``shown(result, machine, commit, console)``
    writes them for people; goals and what was wrong are written behind that by whoever calls.
    """

    name: str
    about: str
    options: tuple[click.Option, ...]
    wanted: Callable[..., W]
    measure: Callable[[W, Path, Say], R]
    measured: Callable[[R], Measured]
    stored: Callable[[R], Mapping[str, Any]]
    shown: Callable[[R, dict[str, object], str, Console], None]
    growth: Growth[W] | None = None
