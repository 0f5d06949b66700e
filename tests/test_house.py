"""The rules of the house: who may import whom, and what must stand nowhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

from gateway_adapters.registry import GATEWAYS

ROOT = Path(__file__).resolve().parents[1]
OURS = ("bot", "flows", "gateway_adapters")

# --- the layers ---------------------------------------------------------------------------------------------------------

LEAVES = {
    "bot.away",
    "bot.breaker",
    "bot.clock",
    "bot.config",
    "bot.crypto",
    "bot.daytime",
    "bot.garbage",
    "bot.lifeline",
    "bot.log",
    "bot.metrics",
    "bot.phone",
    "bot.text",
}
BASE = "gateway_adapters.base"
STORES = LEAVES | {"bot.db", "bot.conversation", BASE}
MESSAGING = STORES | {"bot.messaging"}
BELOW_SERVICES = MESSAGING | {
    "bot.registration",
    "bot.officers",
    "bot.campaigns",
    "bot.evaluation",
    "bot.followup",
    "flows",
    "gateway_adapters",
    "bot.queues",
}
TOP = BELOW_SERVICES | {"bot.services", "bot.jobs", "bot.invariants", "bot.gauges", "bot.pulse"}
EMBEDDED = LEAVES | {"bot.embedded"}

#: What each package or module may import of ours, beside itself. Every module has its line, or that of its package.
MAY_IMPORT: dict[str, set[str]] = {
    **{leaf: set() for leaf in LEAVES},
    "bot.config": {"bot.crypto", "bot.text"},
    "bot": set(),
    "bot.db": LEAVES,
    "gateway_adapters": LEAVES,
    # The engine knows people's two ways to reach us, and nothing else of gateways.
    "bot.conversation": LEAVES | {BASE},
    "bot.messaging": STORES,
    "bot.registration": MESSAGING,
    "bot.officers": STORES,
    "bot.campaigns": MESSAGING | {"bot.registration", "bot.officers"},
    "bot.evaluation": MESSAGING | {"bot.registration", "bot.officers", "bot.campaigns"},
    "bot.followup": MESSAGING | {"bot.registration", "bot.officers"},
    "flows": LEAVES | {"bot.conversation", "bot.registration.acts"},
    "bot.queues": MESSAGING,
    "bot.invariants": {"bot.db"},
    "bot.pulse": {"bot.queues"},
    "bot.checkups": TOP,
    "bot.services": BELOW_SERVICES,
    "bot.gauges": BELOW_SERVICES | {"bot.services"},
    "bot.jobs": TOP,
    "bot.office": TOP,
    "bot.hop_jobs": TOP | {"bot.jobs"},
    "bot.worker": TOP,
    "bot.clockwork": TOP | {"bot.checkups", "bot.hop_jobs", "bot.office"},
    "bot.web": TOP,
    "bot.embedded": LEAVES,
    "bot.serve": EMBEDDED,
    "bot.cli": TOP | EMBEDDED | {"bot.serve", "bot.worker", "bot.clockwork", "bot.web"},
    "bot.__main__": {"bot.cli"},
    "wsgi": {"bot.web", "bot.lifeline", "bot.garbage"},
}


@dataclass(frozen=True)
class Module:
    """A source file of ours."""

    path: Path
    name: str

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))


def _modules(*folders: str) -> list[Module]:
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [Module(path, _dotted(path)) for path in paths]


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _names() -> frozenset[str]:
    return frozenset(module.name for module in _modules(*OURS))


SOURCES = [*_modules(*OURS), Module(ROOT / "wsgi.py", "wsgi")]
EVERYTHING = [*SOURCES, *_modules("tests", "bench")]
each_source = pytest.mark.parametrize("module", SOURCES, ids=lambda module: module.name)


def _imports(module: Module) -> Iterator[str]:
    """What of ours a module imports, as the modules that are meant."""
    for node in module.nodes:
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name} imports by a relative path"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            targets = [each if each in _names() else str(node.module) for each in inner]
        else:
            continue
        yield from (target for target in targets if target.split(".")[0] in OURS)


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _strings(module: Module) -> Iterator[str]:
    """The texts of a module's code, without its docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in module.nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in module.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def _identifiers(module: Module) -> Iterator[str]:
    for node in module.nodes:
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.alias(name=name):
                yield name


class TestLayers:
    @each_source
    def test_imports_run_downwards(self, module: Module) -> None:
        own = max((package for package in MAY_IMPORT if _within(module.name, package)), key=len, default=None)
        assert own is not None, f"{module.name} has no place among the layers: give it one in MAY_IMPORT"
        assert own != "bot" or module.name == "bot", f"{module.name} has no place among the layers"
        allowed = MAY_IMPORT[own] | {own}
        wrong = {each for each in _imports(module) if not any(_within(each, package) for package in allowed)}
        assert wrong == set(), f"{module.name} may import {sorted(allowed)}"

    def test_every_line_of_the_layers_is_somebodys(self) -> None:
        names = {module.name for module in SOURCES}
        assert {package for package in MAY_IMPORT if package not in names} == set()

    def test_of_the_gateways_the_engine_knows_the_channels_alone(self) -> None:
        for module in _modules("bot/conversation"):
            for node in module.nodes:
                if isinstance(node, ast.ImportFrom) and node.module == BASE:
                    assert module.name == "bot.conversation.driver"
                    assert [alias.name for alias in node.names] == ["Channel"]

    def test_acts_are_pure_values(self) -> None:
        """Flows may import them, so they bring nothing along."""
        [acts] = [module for module in SOURCES if module.name == "bot.registration.acts"]
        assert list(_imports(acts)) == []

    def test_nothing_of_ours_imports_tests(self) -> None:
        for module in [*SOURCES, *_modules("bench")]:
            for node in module.nodes:
                if isinstance(node, ast.ImportFrom) and module in SOURCES:
                    assert (node.module or "").split(".")[0] not in {"tests", "bench"}, module.name


class TestWords:
    def test_nothing_outside_the_adapters_names_a_provider(self) -> None:
        """In what runs: a comment or docstring may explain why something is as it is."""
        provider = re.compile(r"(?i:africa'?s[ _]?talking|twilio)|\bAT_(USERNAME|API|SENDER|SHORT)")
        for module in SOURCES:
            if not _within(module.name, "gateway_adapters"):
                found = [each for each in (*_strings(module), *_identifiers(module)) if provider.search(each)]
                assert found == [], module.name

    def test_the_engine_has_no_word_of_vaccination(self) -> None:
        domain = re.compile(
            r"vaccin|vaksin|\bslots?\b|booking|\bnik\b|\bdoses?\b|facilit|puskesmas|roster|worker", re.I
        )
        for module in _modules("bot/conversation"):
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


class TestHabits:
    @pytest.mark.parametrize("module", EVERYTHING, ids=lambda module: module.name)
    def test_a_file_holds_one_idea(self, module: Module) -> None:
        """About 300 lines. Tables, statements and stories may take some more."""
        most = 400 if _within(module.name, "tests") else 360
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
        assert [module.name for module in SOURCES for text in _strings(module) if now.search(text)] == []

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
            for module in _modules(
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
        texts = {text for module in SOURCES for text in _strings(module)}
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
