"""Alert rules as Prometheus reads them, and whether one would fire: as much of its language as our rules use.

There is no Prometheus here. ``increase`` and ``rate`` are computed from two looks at ``/metrics``, and ``for`` is left out.
"""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import yaml

from tests.sources import ROOT

Labels = frozenset[tuple[str, str]]
Samples = dict[str, dict[Labels, float]]
_SIDE = re.compile(
    r"(?:(?P<over>max|min|sum)(?: by \((?P<by>\w+)\))? ?\()?(?:(?P<change>rate|increase)\()?"
    r"(?P<name>\w+)(?:\{(?P<only>[^}]*)\})?(?:\[(?P<minutes>\d+)m\])?\)*"
)
_RULE = re.compile(rf"{_SIDE.pattern} (?P<compared>>|==) (?P<bound>[\d.]+)")
_QUANTILE = re.compile(
    r"histogram_quantile\((?P<share>[\d.]+), sum by \(le\) \(rate\((?P<name>\w+)_bucket\[\d+m\]\)\)\) > (?P<bound>[\d.]+)"
)
_COMPARED: Final[dict[str, Callable[[float, float], bool]]] = {">": operator.gt, "==": operator.eq}
_OVER: Final[dict[str, Callable[[list[float]], float]]] = {"max": max, "min": min, "sum": sum}


@dataclass(frozen=True)
class Rule:
    """One alert."""

    name: str
    expression: str
    severity: str
    summary: str


def rules() -> list[Rule]:
    """Those of docs/alerts.yml."""
    [group] = yaml.safe_load((ROOT / "docs/alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [
        Rule(each["alert"], " ".join(each["expr"].split()), each["labels"]["severity"], each["annotations"]["summary"])
        for each in group["rules"]
    ]


def named(expression: str) -> list[tuple[str, set[str]]]:
    """The metrics in an expression, each with the labels that are asked for in the same breath."""
    found = []
    for part in expression.split(" unless on (gateway) "):
        asked = set(re.findall(r"by \((\w+)\)", part)) - {"le", "instance"}
        for name, only in re.findall(r"\b(balas_\w+|up)\b(?:\{([^}]*)\})?", part):
            found.append((name, asked | set(re.findall(r"(\w+)=", only))))
    return found


def samples(text: str) -> Samples:
    """What ``/metrics`` says."""
    found: Samples = defaultdict(dict)
    for line in text.splitlines():
        if (match := re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)) is not None:
            labels = frozenset(re.findall(r'(\w+)="([^"]*)"', match[2] or ""))
            found[match[1]][labels] = float(match[3])
    return found


def fires(expression: str, after: Samples, before: Samples) -> set[Labels]:
    """The labels for which an expression holds at ``after``; changes are those since ``before``."""
    first, *others = expression.split(" unless on (gateway) ")
    found = _holds(first, after, before)
    for other in others:
        found -= _holds(other, after, before)
    return found


def is_of_now(expression: str) -> bool:
    """Whether one look is enough to tell whether it holds, and it is ours to tell."""
    return _RULE.fullmatch(expression) is not None and "balas_" in expression and "[" not in expression


def _holds(expression: str, after: Samples, before: Samples) -> set[Labels]:
    if (quantile := _QUANTILE.fullmatch(expression)) is not None:
        return {frozenset()} if _beyond(quantile, after, before) else set()
    rule = _RULE.fullmatch(expression)
    assert rule is not None, f"no rule of a form that is known here: {expression}"
    only = set(re.findall(r'(\w+)="([^"]*)"', rule["only"] or ""))
    groups: dict[Labels, list[float]] = defaultdict(list)
    for labels, value in after.get(rule["name"], {}).items():
        if not only <= labels:
            continue
        if rule["change"]:
            value -= before.get(rule["name"], {}).get(labels, 0.0)
            if rule["change"] == "rate":
                value /= 60 * int(rule["minutes"])
        groups[frozenset(each for each in labels if each[0] == rule["by"])].append(value)
    compared, bound = _COMPARED[rule["compared"]], float(rule["bound"])
    return {labels for labels, values in groups.items() if compared(_OVER[rule["over"]](values), bound)}


def _beyond(quantile: re.Match[str], after: Samples, before: Samples) -> bool:
    """Whether a quantile of a histogram lies above a bound that is one of its buckets'."""

    def counted(bucket: float) -> float:
        def of(seen: Samples) -> float:
            buckets = seen.get(f"{quantile['name']}_bucket", {})
            return sum(count for labels, count in buckets.items() if float(dict(labels)["le"]) == bucket)

        return of(after) - of(before)

    within, every = counted(float(quantile["bound"])), counted(float("inf"))
    return every > 0 and within < float(quantile["share"]) * every
