"""The rules of the house: how it is written, and that every setting is documented."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from gateway_adapters.registry import GATEWAYS
from tests.sources import EVERYTHING, ROOT, SOURCES, Module, modules, strings, within


class TestHabits:
    @pytest.mark.parametrize("module", EVERYTHING, ids=lambda module: module.name)
    def test_a_file_holds_one_idea(self, module: Module) -> None:
        """About 300 lines. Tables, statements and stories may take some more."""
        most = 400 if within(module.name, "tests") else 360
        assert module.text.count("\n") <= most

    def test_nothing_is_printed(self) -> None:
        """Commands speak by click; the one exception speaks to whoever waits at a terminal for a server."""
        prints = {
            module.name
            for module in SOURCES
            for node in module.nodes
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        }
        assert prints <= {"bot.embedded.lease"}

    def test_one_clock_decides(self) -> None:
        """Time comes from ``bot.clock``. What only measures a span, or waits, uses ``monotonic`` and the like."""
        exceptions = {
            "bot.clock": "it is the clock",
            "gateway_adapters.deadline_http": "a provider's Retry-After names a moment of the real world",
        }
        told = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.(time|localtime|gmtime|strftime))$")
        asking = {
            module.name
            for module in SOURCES
            for node in module.nodes
            if isinstance(node, ast.Call) and told.search(ast.unparse(node.func))
        }
        assert asking == set(exceptions)

    def test_no_statement_asks_the_database_for_the_time(self) -> None:
        now = re.compile(r"\b(now\(\)|current_(timestamp|date|time)|clock_timestamp|localtimestamp)", re.IGNORECASE)
        assert [module.name for module in SOURCES for text in strings(module) if now.search(text)] == []

    def test_no_error_is_swallowed_whole(self) -> None:
        bare = [
            f"{module.name}:{node.lineno}"
            for module in SOURCES
            for node in module.nodes
            if isinstance(node, ast.ExceptHandler) and node.type is None
        ]
        assert bare == []

    def test_logs_say_names_not_texts(self) -> None:
        """What is logged is chosen: never an exception's message, which may quote a row."""
        for module in SOURCES:
            for node in module.nodes:
                if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_log."):
                    event = node.args[0]
                    events = [event.body, event.orelse] if isinstance(event, ast.IfExp) else [event]
                    assert all(isinstance(each, ast.Constant) for each in events), f"{module.name}:{node.lineno}"
                    said = [ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg != "exc_info"]
                    assert not [each for each in said if each in {"str(error)", "error", "repr(error)"}], module.name

    def test_tests_do_not_sleep(self) -> None:
        """They wait for a condition, or move the clock; a pause within a wait is that wait's."""
        sleeping = [
            f"{module.name}:{node.lineno}"
            for module in modules(
                "tests/conversation", "tests/flows", "tests/db", "tests/registration", "tests/journeys"
            )
            for node in module.nodes
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep"
        ]
        assert sleeping == []


class TestSettings:
    """Every variable that is read is in ``.env.example``, and nothing else is."""

    #: The system's own, and what one process of ours tells another.
    SYSTEMS = frozenset(
        {
            "PATH",
            "HOME",
            "LANG",
            "LC_ALL",
            "TMPDIR",
            "LD_LIBRARY_PATH",
            "PYTHONPATH",
            "XDG_RUNTIME_DIR",
            "PYTHONUNBUFFERED",
            "PGTZ",
        }
    )

    @pytest.fixture
    def documented(self) -> set[str]:
        text = (ROOT / ".env.example").read_text(encoding="utf-8")
        return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))

    def test_what_is_read_is_documented(self, documented: set[str]) -> None:
        text = (ROOT / ".env.example").read_text(encoding="utf-8")
        read = {name for module in SOURCES for name in _variables(module)}
        assert {"DATABASE_URL", "AT_API_KEY", "TWILIO_FROM", "WEBHOOK_SECRET", "CLOCK_FILE", "VAR"} <= read
        missing = {name for name in read - self.SYSTEMS - documented if not re.search(rf"\b{name}\b", text)}
        assert missing == set()

    def test_what_is_documented_is_read(self, documented: set[str]) -> None:
        texts = {text for module in SOURCES for text in strings(module)}
        compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
        assert {name for name in documented - texts if f"${{{name}:" not in compose} == set()

    def test_the_settings_of_the_contract_are_there(self, documented: set[str]) -> None:
        assert {setting.name for gateway in GATEWAYS for setting in gateway.settings} <= documented


def _variables(module: Module) -> Iterator[str]:
    """The environment variables that a module reads: texts in capitals beside something called an environment."""
    for node in module.nodes:
        match node:
            case ast.Call(func=func, args=arguments):
                beside = [func, *arguments]
            case ast.Subscript(value=value, slice=index):
                beside = [value, index]
            case ast.Compare(left=left, comparators=others):
                beside = [left, *others]
            case _:
                continue
        named = [each.value for each in beside if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        around = " ".join(ast.unparse(each) for each in beside if not isinstance(each, ast.Constant))
        if "environ" in around or "GatewaySetting" in around:
            yield from (name for name in named if re.fullmatch(r"[A-Z][A-Z0-9_]+", name))
