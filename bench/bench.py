"""What a bench is to ``python -m bench``: a name, options, and what is done with what it found.

To add one: a module in ``bench/entries/`` with a ``Bench``, and a line in ``bench/registry.py``. It is then a command, a part
of ``all``, and a table of ``report``.
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
class Bench(Generic[W, R]):
    """One bench.

    ``about``: a line of help. ``options`` of its command; ``wanted`` makes of their values what ``measure`` gets, may raise
    ``click.UsageError``, and gives the defaults when called without any. ``measure(wanted, folder, say)`` works in a run folder
    below ``folder`` and raises ``BenchFailed``, ``EmbeddedServerError`` or ``OSError``. ``measured``: its result in the common
    shape. ``stored``: its own details, as JSON takes them. ``shown(result, machine, commit, console)`` writes them for people;
    goals and what was wrong are written behind that by whoever calls.
    """

    name: str
    about: str
    options: tuple[click.Option, ...]
    wanted: Callable[..., W]
    measure: Callable[[W, Path, Say], R]
    measured: Callable[[R], Measured]
    stored: Callable[[R], Mapping[str, Any]]
    shown: Callable[[R, dict[str, object], str, Console], None]
