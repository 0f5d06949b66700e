"""The rules of the house: who may import whom. Words are in ``test_house_words``, habits in ``test_house_habits``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.sources import OURS, SOURCES, Module, each_source, modules, names, within

LEAVES = {
    "bot.away",
    "bot.breaker",
    "bot.clock",
    "bot.config",
    "bot.crypto",
    "bot.daytime",
    "bot.deadline",
    "bot.garbage",
    "bot.kept_for",
    "bot.lifeline",
    "bot.listeners",
    "bot.log",
    "bot.metrics",
    "bot.phone",
    "bot.readiness",
    "bot.redis_addresses",
    "bot.redis_clients",
    "bot.redis_cluster",
    "bot.redis_line",
    "bot.server_addresses",
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
    "bot.privacy",
    "flows",
    "gateway_adapters",
    "bot.queues",
}
TOP = BELOW_SERVICES | {"bot.services", "bot.jobs", "bot.invariants", "bot.gauges", "bot.alarms", "bot.pulse"}
EMBEDDED = LEAVES | {"bot.embedded"}

#: What each package or module may import of ours, beside itself. Every module has its line, or that of its package.
MAY_IMPORT: dict[str, set[str]] = {
    **{leaf: set() for leaf in LEAVES},
    "bot.config": {"bot.crypto", "bot.kept_for", "bot.server_addresses", "bot.text"},
    "bot.server_addresses": {"bot.redis_addresses"},
    "bot.redis_clients": {"bot.redis_addresses", "bot.redis_cluster"},
    "bot.redis_cluster": {"bot.deadline"},
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
    "bot.backup": MESSAGING | {"bot.evaluation", "bot.embedded"},
    "bot.followup": MESSAGING | {"bot.registration", "bot.officers"},
    "bot.privacy": MESSAGING | {"bot.registration", "bot.officers"},
    "flows": LEAVES | {"bot.conversation", "bot.registration.acts"},
    "bot.queues": MESSAGING,
    "bot.invariants": {"bot.db"},
    "bot.pulse": {"bot.queues"},
    "bot.checkups": TOP,
    "bot.services": BELOW_SERVICES,
    "bot.gauges": BELOW_SERVICES | {"bot.services"},
    "bot.alarms": BELOW_SERVICES | {"bot.services", "bot.invariants", "bot.pulse", "bot.backup"},
    "bot.jobs": TOP,
    "bot.office": TOP,
    "bot.hop_jobs": TOP | {"bot.jobs"},
    "bot.privacy_jobs": TOP | {"bot.jobs"},
    "bot.worker": TOP,
    "bot.clockwork": TOP | {"bot.checkups", "bot.hop_jobs", "bot.office", "bot.privacy_jobs"},
    "bot.web": TOP,
    "bot.embedded": LEAVES,
    "bot.serve": EMBEDDED,
    "bot.cli": TOP | EMBEDDED | {"bot.serve", "bot.backup", "bot.worker", "bot.clockwork", "bot.web"},
    "bot.__main__": {"bot.cli"},
    "wsgi": {"bot.web", "bot.lifeline", "bot.garbage"},
}


def imports(module: Module) -> Iterator[str]:
    """What of ours a module imports, as the modules that are meant."""
    for node in module.nodes:
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name} imports by a relative path"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            targets = [each if each in names() else str(node.module) for each in inner]
        else:
            continue
        yield from (target for target in targets if target.split(".")[0] in OURS)


class TestLayers:
    @each_source
    def test_imports_run_downwards(self, module: Module) -> None:
        own = max((package for package in MAY_IMPORT if within(module.name, package)), key=len, default=None)
        assert own is not None, f"{module.name} has no place among the layers: give it one in MAY_IMPORT"
        assert own != "bot" or module.name == "bot", f"{module.name} has no place among the layers"
        allowed = MAY_IMPORT[own] | {own}
        wrong = {each for each in imports(module) if not any(within(each, package) for package in allowed)}
        assert wrong == set(), f"{module.name} may import {sorted(allowed)}"

    def test_every_line_of_the_layers_is_somebodys(self) -> None:
        names = {module.name for module in SOURCES}
        assert {package for package in MAY_IMPORT if package not in names} == set()

    def test_of_the_gateways_the_engine_knows_the_channels_alone(self) -> None:
        for module in modules("bot/conversation"):
            for node in module.nodes:
                if isinstance(node, ast.ImportFrom) and node.module == BASE:
                    assert module.name == "bot.conversation.driver"
                    assert [alias.name for alias in node.names] == ["Channel"]

    def test_acts_are_pure_values(self) -> None:
        """Flows may import them, so they bring nothing along."""
        [acts] = [module for module in SOURCES if module.name == "bot.registration.acts"]
        assert list(imports(acts)) == []

    def test_nothing_of_ours_imports_tests(self) -> None:
        for module in [*SOURCES, *modules("bench")]:
            for node in module.nodes:
                if isinstance(node, ast.ImportFrom) and module in SOURCES:
                    assert (node.module or "").split(".")[0] not in {"tests", "bench", "faults", "replay", "scale"}, (
                        module.name
                    )
