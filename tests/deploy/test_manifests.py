"""What is deployed is what the papers say, and every series that is looked at exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import dnspolicy
from dnspolicy.app.reading import read_plan

ROOT = Path(dnspolicy.__file__).parent.parent
DEPLOY = ROOT / "deploy"
KUBEADM = """.:53 {
    errors
    health {
        lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
        max_concurrent 1000
    }
    cache 30 {
        disable success cluster.local
        disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
"""
METRIC = re.compile(r"\b(?:coredns|dnspolicy|process)_[a-z0-9_]+\b")
SUFFIX = re.compile(r"_(?:bucket|sum|count)$")
KNOWN = set(METRIC.findall((ROOT / "docs" / "metrics.md").read_text()))


def objects(kind: str) -> list[dict[str, Any]]:
    files = (DEPLOY / "kubernetes").glob("*.yaml")
    return [item for file in files for item in yaml.safe_load_all(file.read_text()) if item["kind"] == kind]


def queries() -> list[tuple[str, str]]:
    """Every query of the dashboard and of the alerts, with its place."""
    dashboard = json.loads((DEPLOY / "monitoring" / "dashboard.json").read_text())
    alerts = yaml.safe_load((DEPLOY / "monitoring" / "alerts.yaml").read_text())
    shown = [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel["targets"]]
    return shown + [(rule["alert"], rule["expr"]) for group in alerts["groups"] for rule in group["rules"]]


def test_the_corefile_is_kubeadms_with_two_blocks_more() -> None:
    text = (DEPLOY / "kubernetes" / "Corefile").read_text()
    assert re.sub(r"    (?:policy|audit) \{\n.*?\n    \}\n", "", text, flags=re.DOTALL) == KUBEADM


@pytest.mark.parametrize("more", ["", "policy"], ids=["kubeadm's", "ours"])
def test_the_corefile_is_understood(tmp_path: Path, more: str) -> None:
    corefile = tmp_path / "Corefile"
    corefile.write_text((DEPLOY / "kubernetes" / "Corefile").read_text() if more else KUBEADM)
    assert len(read_plan(corefile, {}).blocks) == 1


def test_nothing_is_read_that_is_not_needed_and_nothing_written() -> None:
    (role,) = objects("ClusterRole")
    allowed = {(group, name) for rule in role["rules"] for group in rule["apiGroups"] for name in rule["resources"]}
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"list", "watch"}
    assert allowed == {
        ("", "namespaces"), ("", "nodes"), ("", "pods"), ("", "services"), ("discovery.k8s.io", "endpointslices"),
    }  # fmt: skip


def test_the_pod_has_no_power() -> None:
    (deployment,) = objects("Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert container["image"] == f"dnspolicy:{dnspolicy.__version__}"


def test_probes_and_ports_are_those_of_the_corefile() -> None:
    (deployment,) = objects("Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    probes = [container[probe]["httpGet"] for probe in ("livenessProbe", "readinessProbe")]
    assert [(p["path"], p["port"]) for p in probes] == [("/health", 8080), ("/ready", 8181)]
    assert {(p["name"], p["containerPort"], p["protocol"]) for p in container["ports"]} == {
        ("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"), ("metrics", 9153, "TCP"),
    }  # fmt: skip


def test_beside_an_opa_only_the_engine_is_another() -> None:
    ours, theirs = ((DEPLOY / folder / "Corefile").read_text() for folder in ("kubernetes", "opa"))
    assert re.sub(r"opa unix:///run/opa/opa.sock \{\n *(.*)\n *\}", r"\1", theirs) == ours
    patch = yaml.safe_load((DEPLOY / "opa" / "sidecar.yaml").read_text())["spec"]["template"]["spec"]
    (sidecar,) = patch["initContainers"]
    (deployment,) = objects("Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert sidecar["securityContext"] == container["securityContext"]
    assert "--addr=unix:///run/opa/opa.sock" in sidecar["args"]


def test_nothing_of_a_feed_is_written() -> None:
    roles = [item for item in yaml.safe_load_all((DEPLOY / "feeds" / "rbac.yaml").read_text()) if "rules" in item]
    rules = [rule for role in roles for rule in role["rules"]]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"list", "watch"}
    assert all(rule.get("resourceNames") for rule in rules if "configmaps" in rule["resources"])


def test_the_service_is_not_touched() -> None:
    assert not objects("Service")


def test_every_file_is_part_of_the_kustomization() -> None:
    made = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    named = set(made["resources"]) | {file for one in made["configMapGenerator"] for file in one["files"]}
    there = {str(path.relative_to(DEPLOY / "kubernetes")) for path in (DEPLOY / "kubernetes").rglob("*.*")}
    assert named | {"kustomization.yaml"} == there | {"Corefile"}


@pytest.mark.parametrize(("where", "query"), queries(), ids=lambda text: text[:40] if " " not in text else None)
def test_every_series_exists(where: str, query: str) -> None:
    names = {name if name in KNOWN else SUFFIX.sub("", name) for name in METRIC.findall(query)}
    assert names or "up{" in query
    assert names <= KNOWN, where


def test_the_image_has_no_root_and_no_pip() -> None:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    assert "USER 65532:65532" in lines
    assert any("pip uninstall" in line and "pip" in line.split()[-1] for line in lines)
    assert any("rm -rf /usr/local/lib/python3.11/site-packages/*" in line for line in lines)
