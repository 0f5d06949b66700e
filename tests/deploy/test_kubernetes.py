"""The manifests: valid for Kubernetes, and true of this service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner
from flask import Flask

from bot.cli.main import cli
from bot.config import load
from bot.queues import Work
from tests.journeys.conftest import MovableClock, app, clock, environ

__all__ = ["MovableClock", "app", "clock", "environ"]

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
OLDEST, NEWEST = "1.31", "1.37"


def _manifests() -> list[dict[str, Any]]:
    files = sorted(file for file in FOLDER.glob("*.yaml") if file.name != "kustomization.yaml")
    return [each for file in files for each in yaml.safe_load_all(file.read_text())]


MANIFESTS = _manifests()
TEMPLATES = {
    each["metadata"]["name"]: each["spec"]["template"] for each in MANIFESTS if "template" in each.get("spec", {})
}


def _of(kind: str) -> list[dict[str, Any]]:
    return [each for each in MANIFESTS if each["kind"] == kind]


def _containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, template in TEMPLATES.items():
        for container in template["spec"]["containers"]:
            yield name, container


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_each_is_valid_to_the_letter(version: str) -> None:
    for manifest in MANIFESTS:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_all_are_listed() -> None:
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    assert sorted([*listed, "kustomization.yaml"]) == sorted(file.name for file in FOLDER.glob("*.yaml"))


def test_no_secret_is_written_down() -> None:
    assert _of("Secret") == []
    [settings] = _of("ConfigMap")
    secret = re.compile(r"KEY|SECRET|PASSWORD|TOKEN|_URL$")
    assert {name for name in settings["data"] if secret.search(name)} == {"PUBLIC_URL"}


def test_every_setting_is_one_of_ours_and_together_they_are_enough() -> None:
    [settings] = _of("ConfigMap")
    documented = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    own = {each["name"] for _, container in _containers() for each in container.get("env", [])}
    assert (set(settings["data"]) | own) - documented == {"LOGNAME"}
    secrets = {
        "DATABASE_URL": "postgresql://balas@pooler:6432/balas",
        "REDIS_URL": "redis+cluster://a:6379,b:6379",
        "QUEUE_REDIS_URL": "redis+sentinel://s:26379/balas",
        "SECRET_KEY": "secret",
        "DATA_KEY": "dGVzdHMgbmVlZCBhIGtleSBvZiAzMiBieXRlcyEhISE=",
    }
    found = load(settings["data"] | secrets)
    assert found.database_pooler == "unprepared"
    assert str(found.spool).startswith("/var/lib/balas/spool/")


def test_every_lane_has_its_worker_and_every_command_exists() -> None:
    lanes = [container["args"][2] for _, container in _containers() if container["args"][0] == "worker"]
    assert sorted(lanes) == sorted(work.value for work in Work)
    for _, container in _containers():
        assert CliRunner().invoke(cli, [*container["args"], "--help"]).exit_code == 0


def test_whoever_is_meant_is_there() -> None:
    """Services, budgets and policies choose pods by labels."""
    pods = [template["metadata"]["labels"] for template in TEMPLATES.values()]
    for each in (*_of("Service"), *_of("PodDisruptionBudget"), *_of("NetworkPolicy")):
        chosen = each["spec"].get("selector") or each["spec"].get("podSelector")
        wanted = chosen.get("matchLabels", chosen)
        assert any(wanted.items() <= labels.items() for labels in pods), each["metadata"]["name"]
    services = {each["metadata"]["name"] for each in _of("Service")}
    [ingress] = _of("Ingress")
    paths = ingress["spec"]["rules"][0]["http"]["paths"]
    assert {path["backend"]["service"]["name"] for path in paths} <= services
    several = {name for name, replicas in _replicas().items() if replicas > 1}
    assert {each["metadata"]["name"] for each in _of("PodDisruptionBudget")} == several


def _replicas() -> dict[str, int]:
    return {each["metadata"]["name"]: each["spec"]["replicas"] for each in (*_of("Deployment"), *_of("StatefulSet"))}


def test_probes_ask_what_is_served_and_take_nobody_off_who_could_still_spool(app: Flask) -> None:
    served = {rule.rule for rule in app.url_map.iter_rules()}
    for name, container in _containers():
        probes = {kind: container[kind]["httpGet"] for kind in container if kind.endswith("Probe")}
        assert {probe["path"] for probe in probes.values()} <= served
        assert {probe["port"] for probe in probes.values()} <= {port["name"] for port in container.get("ports", [])}
        if name == "balas-web":
            assert (probes["startupProbe"]["path"], probes["readinessProbe"]["path"]) == ("/readyz", "/healthz")


def test_what_was_acknowledged_lies_on_a_volume_that_stays() -> None:
    [web] = _of("StatefulSet")
    [claim] = web["spec"]["volumeClaimTemplates"]
    [container] = web["spec"]["template"]["spec"]["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    [settings] = _of("ConfigMap")
    assert settings["data"]["SPOOL"].startswith(mounts[claim["metadata"]["name"]] + "/")
    assert set(web["spec"]["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}


def test_every_pod_has_few_rights_enough_time_and_its_limits() -> None:
    for name, template in TEMPLATES.items():
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["automountServiceAccountToken"] is False
        if name.startswith("balas-worker"):
            assert spec["terminationGracePeriodSeconds"] > 20
    for _, container in _containers():
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
