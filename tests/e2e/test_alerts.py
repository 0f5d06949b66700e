"""The service as it runs wakes nobody up while all is well, and tells Prometheus all that rules ask for."""

from __future__ import annotations

import http.client

from tests.alert_rules import Labels, fires, is_of_now, named, rules, samples
from tests.e2e.conftest import Service, until

#: Nobody has taken a backup of a service that has just been made.
_RULES = {
    rule.name: rule.expression for rule in rules() if is_of_now(rule.expression) and rule.name != "BalasBackupOld"
}


def _holding(service: Service) -> dict[str, set[Labels]]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    connection.request("GET", "/metrics")
    seen = samples(connection.getresponse().read().decode())
    connection.close()
    # what a gateway made of messages is told once it has had some
    assert {name for name, rule in _RULES.items() if named(rule)[0][0] not in seen} <= {"BalasGatewayRefuses"}
    found = {name: fires(rule, seen, {}) for name, rule in _RULES.items()}
    return {name: labels for name, labels in found.items() if labels}


def test_all_is_well(service: Service) -> None:
    assert len(_RULES) > 12
    until(lambda: _holding(service) == {}, f"nothing to be wrong: {_RULES}")
