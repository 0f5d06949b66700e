"""The rules of the house: what must be named, and what must stand nowhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.sources import EVERYTHING, SOURCES, identifiers, modules, strings, within


class TestWords:
    def test_nothing_outside_the_adapters_names_a_provider(self) -> None:
        """In what runs: a comment or docstring may explain why something is as it is."""
        provider = re.compile(r"(?i:africa'?s[ _]?talking|twilio)|\bAT_(USERNAME|API|SENDER|SHORT)")
        for module in SOURCES:
            if not within(module.name, "gateway_adapters"):
                found = [each for each in (*strings(module), *identifiers(module)) if provider.search(each)]
                assert found == [], module.name

    def test_the_engine_has_no_word_of_vaccination(self) -> None:
        domain = re.compile(
            r"vaccin|vaksin|\bslots?\b|booking|\bnik\b|\bdoses?\b|facilit|puskesmas|roster|worker", re.I
        )
        for module in modules("bot/conversation"):
            found = domain.search(module.text.replace("slots=True", ""))
            assert found is None, f"{module.name}: {found}"

    def test_no_module_is_named_for_nothing(self) -> None:
        vague = {
            "utils",
            "util",
            "helper",
            "helpers",
            "manager",
            "common",
            "misc",
            "data",
            "info",
            "process",
            "base_utils",
        }
        assert [module.name for module in EVERYTHING if vague & set(module.name.split("."))] == []
        classes = [node.name for module in SOURCES for node in module.nodes if isinstance(node, ast.ClassDef)]
        assert [name for name in classes if name.endswith(("Manager", "Helper", "Utils", "Info", "Data"))] == []

    def test_nothing_is_left_to_be_done(self) -> None:
        left = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
        assert [
            module.name for module in EVERYTHING if left.search(module.text) and module.path != Path(__file__)
        ] == []

    def test_every_module_says_what_it_is(self) -> None:
        silent = [
            module.name for module in EVERYTHING if module.text.strip() and ast.get_docstring(module.tree) is None
        ]
        assert silent == []
