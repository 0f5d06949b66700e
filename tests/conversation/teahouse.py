"""A flow to test the engine with: somebody orders tea. It has every kind of state, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from bot.conversation.catalog import Catalogs
from bot.conversation.engine import Engine, Turn
from bot.conversation.flow import (
    HERE,
    Aside,
    Branch,
    Case,
    Ending,
    Flow,
    Keyword,
    Listing,
    Menu,
    Option,
    Question,
    Reading,
    Row,
    Rows,
    Task,
    Unreadable,
    Words,
)
from bot.conversation.readers import read_digits, read_search

READING = Reading(date(2021, 1, 13))


@dataclass(frozen=True, slots=True)
class Guest:
    """The memory of the flow. ``card`` outlives no turn."""

    language: str = "id"
    name: str = ""
    card: str = ""
    tea: str = ""
    inside: bool = False
    regular: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """Is there a table?"""


@dataclass(frozen=True, slots=True)
class Brew:
    """Make this tea; ``receipt`` is what the guest gets in writing."""

    tea: str
    card: str
    receipt: str


@dataclass(frozen=True, slots=True)
class Teas:
    """Which teas are there, from ``offset``?"""

    offset: int
    language: str


@dataclass(frozen=True, slots=True)
class Switch:
    """Speak the other language."""


@dataclass(frozen=True, slots=True)
class Free:
    """There is a table."""

    regular: bool = False


@dataclass(frozen=True, slots=True)
class Full:
    """There is none."""


@dataclass(frozen=True, slots=True)
class Brewed:
    """Here it is."""


@dataclass(frozen=True, slots=True)
class Gone:
    """There is none left of this tea."""


@dataclass(frozen=True, slots=True)
class Switched:
    """The other language is spoken."""


def _read_name(text: str, _reading: Reading) -> object:
    return read_search(text) or Unreadable("That is no name." if text.isdigit() else None)


def _read_card(text: str, _reading: Reading) -> object:
    return read_digits(text, 4) or Unreadable()


def _brew(m: Guest, words: Words) -> Brew:
    return Brew(m.tea, m.card, words("{tea} for {name}, cup {number}."))


def _other(m: Guest) -> Guest:
    return replace(m, language="en" if m.language == "id" else "id")


def _is_regular(m: Guest) -> bool:
    return m.regular


def teahouse(**changes: Any) -> Flow[Guest]:
    """The flow; ``changes`` replace its fields."""
    fields: dict[str, Any] = {
        "name": "tea",
        "version": 1,
        "start": "look",
        "states": (
            Task("look", do=lambda _m, _w: Look(), then={Free: Case("who", keep=_keep_regular), Full: Case("full")}),
            Branch("who", cases=((_is_regular, "seat"),), otherwise="name"),
            Question(
                "name",
                say="What is your name?",
                read=_read_name,
                keep=lambda m, value: replace(m, name=value),
                to="seat",
                again="Two letters at least, please.",
                options=(Option("No name", to="seat", key="0"),),
                resume_at="look",
            ),
            Menu(
                "seat",
                say="{name}, do you sit inside?",
                options=(
                    Option("Inside", to="teas", means=True, keep=lambda m: replace(m, inside=True)),
                    Option("Outside", to="teas", means=False, words=("terrace", "on the terrace")),
                    Option("At the usual place", to="card", when=_is_regular),
                ),
            ),
            Listing(
                "teas",
                say="Our teas:",
                fetch=lambda m, offset: Teas(offset, m.language),
                keep=lambda m, row: replace(m, tea=row.label),
                to="card",
                back="seat",
                empty="no_tea",
                options=(Option("Surprise me", to="card", key="8"),),
            ),
            Question(
                "card",
                say="Type the 4 digits of your card:",
                read=_read_card,
                keep=lambda m, value: replace(m, card=value),
                to="brew",
                again="A card has 4 digits.",
            ),
            Task("brew", do=_brew, then={Brewed: Case("served"), Gone: Case("gone")}),
            Menu("gone", say="There is no {tea} left.", options=(Option("Other teas", to="teas"),)),
            Task("speak", do=lambda _m, _w: Switch(), then={Switched: Case(HERE, keep=lambda m, _: _other(m))}),
            Ending("served", say="{tea} for {name}. Enjoy!"),
            Ending("full", say="We are full."),
            Ending("no_tea", say="The kettle is broken."),
            Ending("bye", say="Good bye, {name}."),
            Aside("help", say="Type what you want."),
        ),
        "memory": Guest,
        "show": SHOW,
        "elastic": frozenset({"name", "tea"}),
        "passing": frozenset({"card"}),
        "keywords": (
            Keyword(("HELP", "TOLONG"), to="help"),
            Keyword(("ENGLISH",), to="speak"),
            Keyword(("LEAVE", "PULANG"), to="bye"),
            Keyword(("LIST",), to="teas", keep=lambda m: replace(m, tea="")),
        ),
        "courtesies": frozenset({"thanks", "terima kasih"}),
        "texts": ("{tea} for {name}, cup {number}.",),
    }
    return Flow(**(fields | changes))


def _keep_regular(m: Guest, outcome: Free) -> Guest:
    return replace(m, regular=outcome.regular)


SHOW: Mapping[str, Callable[[Guest], str]] = {"name": lambda m: m.name, "tea": lambda m: m.tea}

INDONESIAN = {
    "What is your name?": "Siapa nama Anda?",
    "{name}, do you sit inside?": "{name}, duduk di dalam?",
    "Inside": "Di dalam",
    "Outside": "Di luar",
    "Our teas:": "Teh kami yang paling enak:",
    "{tea} for {name}. Enjoy!": "{tea} untuk {name}. Selamat menikmati!",
    "Please type a number from the list.": "Silakan ketik angka pilihan.",
    "More": "Lainnya",
    "Back": "Kembali",
}
ENGLISH = {message: message for message in INDONESIAN}


def catalogs(folder: Path) -> Catalogs:
    """The words of the flow, from catalogs written into ``folder``. What is in none is said as it stands."""
    for language, words in (("id", INDONESIAN), ("en", ENGLISH)):
        catalog = Catalog(locale=language)
        for message, translation in words.items():
            catalog.add(message, translation)
        place = folder / language / "LC_MESSAGES"
        place.mkdir(parents=True, exist_ok=True)
        with (place / "tea.po").open("wb") as file:
            write_po(file, catalog)
    return Catalogs(folder, "tea", default="id")


@dataclass
class Kitchen:
    """Carries out what the conversation asks for, and counts it."""

    teas: tuple[str, ...] = ("Melati", "Sencha", "Assam")
    outcomes: dict[type, object] = field(
        default_factory=lambda: {Look: Free(), Brew: Brewed(), Switch: Switched()},
    )
    asked: list[object] = field(default_factory=list)

    def perform(self, effect: object) -> object:
        self.asked.append(effect)
        if isinstance(effect, Teas):
            label = "Teh {}" if effect.language == "id" else "{} tea"
            rows = tuple(Row(tea, label.format(tea)) for tea in self.teas[effect.offset : effect.offset + 8])
            return Rows(rows, more=len(self.teas) > effect.offset + 8)
        return self.outcomes[type(effect)]

    def settle(self, engine: Engine[Guest], turn: Turn[Guest]) -> Turn[Guest]:
        """Carry out effects until there is a screen."""
        while turn.screen is None:
            assert turn.conversation is not None
            turn = engine.resolve(turn.conversation, self.perform(turn.effect), READING)
        return turn
