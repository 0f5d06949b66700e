"""The words of the conversations: whole in every language, politely, in letters that every phone has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from bot.conversation import driver, screens
from bot.conversation.catalog import pieces
from bot.conversation.flow import Listing, Menu, Question
from bot.text import is_gsm7
from flows import registration as registration_module
from flows.identity import LANGUAGES as OTHER_LANGUAGES
from flows.registration import catalogs, registration
from tests.flows.worst_cases import CAMPAIGN

FLOWS = Path(registration_module.__file__).parent
FLOW = registration(CAMPAIGN)
#: Placeholders that whoever carries out an effect fills in.
OPEN = {"code", "stranger"}

each_language = pytest.mark.parametrize("language", ["id", "en"])


def _po(language: str) -> Catalog:
    with (FLOWS / "locales" / language / "LC_MESSAGES" / "flows.po").open("rb") as file:
        return read_po(file)


def _marked() -> set[str]:
    """Every text that the sources mark as a message, ``_("...")``, and the names of languages."""
    found = {label for _, label in OTHER_LANGUAGES}
    for path in [*FLOWS.glob("*.py"), Path(screens.__file__), Path(driver.__file__)]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                [message] = node.args
                assert isinstance(message, ast.Constant)
                assert isinstance(message.value, str), f"{path.name}:{node.lineno} marks what is no plain text"
                found.add(message.value)
    return found


def _placeholders(message: str) -> set[str]:
    return {name for _, name in pieces(message) if name is not None}


def test_there_are_two_languages_and_indonesian_comes_first() -> None:
    assert catalogs().languages == ["id", "en"]


@each_language
class TestCatalogs:
    def test_it_holds_every_message_and_no_other(self, language: str) -> None:
        assert {str(entry.id) for entry in _po(language) if entry.id} == _marked()

    def test_nothing_is_left_over_or_in_doubt(self, language: str) -> None:
        catalog = _po(language)
        assert list(catalog.obsolete) == []
        assert [
            entry.id for entry in catalog if entry.id and (entry.fuzzy or not entry.string or entry.pluralizable)
        ] == []

    def test_placeholders_are_the_same_in_both(self, language: str) -> None:
        for entry in _po(language):
            if entry.id:
                assert _placeholders(str(entry.string)) == _placeholders(str(entry.id)), entry.id

    def test_every_placeholder_is_one_that_can_be_shown(self, language: str) -> None:
        known = set(FLOW.show) | OPEN
        assert [entry.id for entry in _po(language) if entry.id and not _placeholders(str(entry.string)) <= known] == []

    def test_every_phone_has_its_letters(self, language: str) -> None:
        assert [entry.id for entry in _po(language) if entry.id and not is_gsm7(str(entry.string))] == []

    def test_lines_have_no_stray_spaces(self, language: str) -> None:
        stray = re.compile(r"^\s|\s$|  |\n\s|[ \t]\n")
        assert [entry.id for entry in _po(language) if entry.id and stray.search(str(entry.string))] == []

    def test_choices_of_one_menu_are_told_apart(self, language: str) -> None:
        for state in FLOW.states:
            if isinstance(state, Question | Menu | Listing):
                labels = [catalogs().translate(option.label, language) for option in state.options]
                assert len(set(labels)) == len(labels), state.name


class TestWording:
    def test_people_are_addressed_politely(self) -> None:
        """Health workers are Bapak/Ibu, never Anda or kamu."""
        familiar = re.compile(r"\b(anda|kamu|kau|engkau|lu|loe|lo|gue|aku)\b|[a-z]mu\b", re.IGNORECASE)
        words = [str(entry.string) for entry in _po("id") if entry.id]
        assert [text for text in words if familiar.search(text)] == []
        assert sum("Bapak/Ibu" in text for text in words) > 15

    def test_indonesian_is_not_left_in_english(self) -> None:
        same = {str(entry.id) for entry in _po("id") if entry.id and entry.id == entry.string}
        assert same == {"English", "Bahasa Indonesia", "Diabetes"}

    def test_english_says_what_the_sources_say(self) -> None:
        assert [entry.id for entry in _po("en") if entry.id and entry.id != entry.string] == []

    def test_help_names_keywords_that_work(self) -> None:
        known = {word for keyword in FLOW.keywords for word in keyword.words}
        for language in ("id", "en"):
            [text] = [str(entry.string) for entry in _po(language) if str(entry.id).startswith("MULAI register")]
            named = set(re.findall(r"\b[A-Z]{4,}\b", text))
            assert named >= {"MULAI", "TIKET", "BATAL", "BERHENTI", "BAHASA"}
            assert named <= known
        assert {"TOLAK", "START", "STOP", "HELP", "BANTUAN", "CANCEL", "TICKET", "LANGUAGE"} <= known
