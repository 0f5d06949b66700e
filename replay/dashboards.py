"""The dashboards against the books: what the page, the API and ``bot progress`` say at a checkpoint."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final

from bot.officers.accounts import Role
from bot.officers.permissions import May
from bot.queues import Work
from bot.registration.touched import OPEN
from replay.admins import Eyes, Program, add_admin
from replay.books import Books, Figures
from replay.stage import ReplayFailed, Stage
from replay.timekeeper import moment_of

#: Seconds until figures must be as fresh as a checkpoint wants them.
_FRESH_WITHIN: Final = 120.0
#: Seconds between the first two looks, and between later ones, each a little longer than the one before: a token has only so
#: many requests a minute, and after the blast counting takes a while. And the jobs that nobody has taken up yet.
_LOOK, _LONGER, _LONGEST, _SWEEPS = 0.05, 1.2, 0.5, f"rq:queue:{Work.SWEEP}"
_HEADLINE: Final = re.compile(r'<p class="headline"><b>(.*?)</b>(.*?)</p>', re.DOTALL)
_REGISTERED: Final = re.compile(r"([\d,]+) of ")
_COUNTRY: Final = "all"
#: What ``bot progress`` tells of a district.
_IN_PROGRESS: Final = ("target", "invited", "delivered", "started", "registered")


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is not as the books have it: ``where`` it stands, of which ``place``, and its name."""

    where: str
    place: str
    name: str
    books: int
    dashboard: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was found at a moment of the day, in its seconds. ``compared``: how many figures were; ``took``: seconds."""

    at: float
    books: Figures
    dashboard: dict[str, int]
    compared: int
    differences: tuple[Difference, ...]
    headline: str
    took: float

    @property
    def agrees(self) -> bool:
        """Whether every figure is as the books have it."""
        return not self.differences


def differences(
    where: str, books: Mapping[str, Figures], told: Mapping[str, Mapping[str, int]]
) -> Iterator[Difference]:
    """Each figure of ``told``, by place and name, that is not the books'; a place that only one has counts as well."""
    for place in sorted(books.keys() | told.keys()):
        mine = asdict(books.get(place, Figures()))
        theirs = told.get(place, {})
        names = mine.keys() & theirs.keys() if theirs else mine.keys()
        for name in sorted(names):
            if mine[name] != theirs.get(name, 0):
                yield Difference(where, place, name, mine[name], int(theirs.get(name, 0)))


class Dashboards:
    """Looks at the dashboards as a national admin does."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        admin, speaker = add_admin(stage, "pemeriksa", Role.NATIONAL), add_admin(stage, "jurubicara", Role.NATIONAL)
        self._program = Program(stage, admin, (May.SEE_PROGRESS,))
        self._eyes = Eyes(stage.port, admin.name, "en")
        self._speaker = Eyes(stage.port, speaker.name, "id")

    def sentence(self) -> str:
        """What the page's headline says in Indonesian."""
        return "".join(_headline(self._speaker))

    def compare(self, books: Books, moment: float, *, by_command: bool) -> Checkpoint:
        """Compare at a moment of the day, when nothing happens any more. ``by_command``: also what ``bot progress`` counts.

        Raises ``ReplayFailed``.
        """
        began = time.monotonic()
        # Later: what is as of then was counted after everything had happened. And so much later that a look does not find
        # once more whom receipts came in for while the clock stood: half a million of them would never come to an end.
        later = max(self._stage.time.now(), moment) + OPEN.total_seconds() + 1
        self._stage.time.rest_at(later)
        standing = self._fresh(later)
        mine = books.figures() | {_COUNTRY: books.whole()}
        told = {part["code"]: part["counts"] for part in standing["parts"]} | {_COUNTRY: standing["counts"]}
        found = list(differences("API", mine, told))
        compared = len(mine) * len(fields(Figures))
        lead, rest = _headline(self._eyes)
        found += _of_headline(lead, books.whole().registered)
        if by_command:
            counted = json.loads(self._stage.bot("progress", "--json"))
            shorter = {part["code"]: {name: part[name] for name in _IN_PROGRESS} for part in counted["districts"]}
            found += differences("bot progress", books.figures(), shorter)
            compared += len(shorter) * len(_IN_PROGRESS)
        return Checkpoint(
            moment,
            books.whole(),
            {each.name: int(standing["counts"][each.name]) for each in fields(Figures)},
            compared + 1,
            tuple(found),
            lead + rest,
            time.monotonic() - began,
        )

    def _fresh(self, moment: float) -> dict[str, Any]:
        """The figures as the API has them, as of the moment at least, those of messages too."""
        wanted, until, look = moment_of(moment), time.monotonic() + _FRESH_WITHIN, _LOOK
        while True:
            standing: dict[str, Any] | None = self._program.gets("/progress")["standing"]
            if standing is not None and all(
                datetime.fromisoformat(standing[name]) >= wanted for name in ("as_of", "people_as_of")
            ):
                return standing
            if time.monotonic() > until:
                raise ReplayFailed(f"the figures were not counted again within {_FRESH_WITHIN:.0f} s")
            if not self._stage.queue.llen(_SWEEPS):
                self._stage.ask_for("count_figures")
            time.sleep(look)
            look = min(look * _LONGER, _LONGEST)


def _headline(eyes: Eyes) -> Sequence[str]:
    """The headline of the progress page in its two parts."""
    found = _HEADLINE.search(eyes.looks())
    if found is None:
        raise ReplayFailed("the progress page has no headline")
    return [html.unescape(part).replace("\u00a0", " ") for part in found.groups()]


def _of_headline(lead: str, registered: int) -> Iterator[Difference]:
    found = _REGISTERED.match(lead)
    shown = int(re.sub(r"\D", "", found[1])) if found else 0
    if shown != registered:
        yield Difference("page", _COUNTRY, "registered", registered, shown)
