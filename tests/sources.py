"""The sources of this project, as trees, for the rules of the house."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = ("bot", "flows", "gateway_adapters")


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


def modules(*folders: str) -> list[Module]:
    """The files below some folders."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [Module(path, dotted(path)) for path in paths]


def dotted(path: Path) -> str:
    """A file as an import names it."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def names() -> frozenset[str]:
    """What of ours can be imported."""
    return frozenset(module.name for module in modules(*OURS))


SOURCES = [*modules(*OURS), Module(ROOT / "wsgi.py", "wsgi")]
EVERYTHING = [*SOURCES, *modules("tests", "bench", "replay")]
#: A test of each of ours.
each_source = pytest.mark.parametrize("module", SOURCES, ids=lambda module: module.name)


def within(name: str, package: str) -> bool:
    """Whether a module is that package, or below it."""
    return name == package or name.startswith(f"{package}.")


def strings(module: Module) -> Iterator[str]:
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


def identifiers(module: Module) -> Iterator[str]:
    """The names that a module gives or uses."""
    for node in module.nodes:
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.alias(name=name):
                yield name
