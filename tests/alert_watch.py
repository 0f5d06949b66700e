"""Prometheus, looking at the service of a test."""

from __future__ import annotations

import pytest
from flask import Flask

from bot.alarms import Alarms
from bot.services import Services
from tests.alert_rules import Labels, Samples, fires, rules, samples
from tests.world import World

RULES = {rule.name: rule for rule in rules()}


class Watch:
    """Prometheus, looking at this service: which alerts hold by what happened since it began to look."""

    def __init__(self, app: Flask, services: Services) -> None:
        self._client = app.test_client()
        self._alarms = Alarms(services)
        self.services = services
        self._before = self._look()

    def _look(self) -> Samples:
        self._alarms.look()
        return samples(self._client.get("/metrics").get_data(as_text=True))

    def holds(self, name: str) -> set[Labels]:
        """For which labels it holds now."""
        return fires(RULES[name].expression, self._look(), self._before)


@pytest.fixture
def watch(app: Flask, services: Services, world: World) -> Watch:
    return Watch(app, services)


def of(**labels: str) -> set[Labels]:
    return {frozenset(labels.items())}


EVERYTHING: set[Labels] = {frozenset()}
