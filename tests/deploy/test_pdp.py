"""The decision points of `deploy/pdp` and `deploy/pdp-sidecar`: manifests, Corefiles and command lines go together."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import dnspolicy
from dnspolicy.cli import pdp
from dnspolicy.cli.main import main
from dnspolicy.testing.certificates import Authority
from tests.deploy.test_manifests import DEPLOY, objects

PDP, SIDECAR = DEPLOY / "pdp", DEPLOY / "pdp-sidecar"
NAME = "app.kubernetes.io/name"
GRPC = re.compile(r"        grpc .*?(?:^    \}$)", re.DOTALL | re.MULTILINE)


def read(path: Path, kind: str) -> Any:
    (found,) = (item for item in yaml.safe_load_all(path.read_text()) if item["kind"] == kind)
    return found


def pod() -> Any:
    return read(PDP / "point" / "deployment.yaml", "Deployment")["spec"]["template"]


def point() -> Any:
    """The container in a pod of its own."""
    (container,) = pod()["spec"]["containers"]
    return container


def sidecar() -> Any:
    """The container beside the server."""
    (container,) = read(SIDECAR / "sidecar.yaml", "Deployment")["spec"]["template"]["spec"]["initContainers"]
    return container


def server() -> Any:
    (deployment,) = objects("Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container


def options(container: Any) -> argparse.Namespace:
    """The command line, as the command reads it."""
    parser = argparse.ArgumentParser()
    pdp.add_parser(parser.add_subparsers())
    return parser.parse_args(container["args"])


@pytest.mark.parametrize("container", [point(), sidecar()], ids=["pod", "sidecar"])
def test_a_decision_point_has_no_more_power_than_the_server(container: Any) -> None:
    assert container["securityContext"] == server()["securityContext"]
    assert container["image"] == f"dnspolicy:{dnspolicy.__version__}"
    assert {"cpu", "memory"} == set(container["resources"]["requests"])


def test_the_pod_has_no_account_and_no_root() -> None:
    spec = pod()["spec"]
    (deployment,) = objects("Deployment")
    context = deployment["spec"]["template"]["spec"]["securityContext"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"] == {key: value for key, value in context.items() if key != "sysctls"}


def test_the_command_line_says_what_the_manifest_says() -> None:
    given, ports = options(point()), {port["name"]: port["containerPort"] for port in point()["ports"]}
    assert given.listen == [f"[::]:{ports['grpc']}"]
    assert given.http.port == ports["metrics"]
    places = {mount["name"]: Path(mount["mountPath"]) for mount in point()["volumeMounts"]}
    assert (given.tls_cert, given.tls_key, given.tls_ca) == tuple(
        places["tls"] / name for name in ("tls.crt", "tls.key", "ca.crt")
    )
    assert given.conf == places["config"] / "Corefile"


def test_the_sidecar_listens_where_the_server_asks() -> None:
    (listens,) = options(sidecar()).listen
    assert f"grpc {listens}" in (SIDECAR / "Corefile").read_text()
    patched = read(SIDECAR / "sidecar.yaml", "Deployment")["spec"]["template"]["spec"]
    mounts = [*patched["containers"][0]["volumeMounts"], *sidecar()["volumeMounts"]]
    assert [mount["name"] for mount in mounts if listens.startswith(f"unix:{mount['mountPath']}/")] == ["pdp", "pdp"]


@pytest.mark.parametrize("container", [point(), sidecar()], ids=["pod", "sidecar"])
def test_probes_are_of_the_port_for_them(container: Any) -> None:
    http = options(container).http.port
    (name,) = (port["name"] for port in container["ports"] if port["containerPort"] == http)
    probes = {probe: container[probe]["httpGet"] for probe in container if probe.endswith("Probe")}
    assert {probe["port"] for probe in probes.values()} == {name}
    assert {probe: get["path"] for probe, get in probes.items() if probe != "readinessProbe"} == {
        "startupProbe": "/health", "livenessProbe": "/health",
    }, "a policy that is not there yet is no reason to start again"  # fmt: skip
    assert probes.get("readinessProbe", {"path": "/ready"})["path"] == "/ready"


def test_only_the_server_may_ask() -> None:
    policy = read(PDP / "access.yaml", "NetworkPolicy")["spec"]
    asked, seen = policy["ingress"]
    (deployment,) = objects("Deployment")
    assert policy["podSelector"]["matchLabels"].items() <= pod()["metadata"]["labels"].items()
    assert asked["from"] == [{"podSelector": deployment["spec"]["selector"]}]
    assert [port["port"] for port in (*asked["ports"], *seen["ports"])] == ["grpc", "metrics"]
    assert policy["egress"] == []


def test_the_server_does_not_take_a_decision_point_for_one_of_its_own() -> None:
    (deployment,) = objects("Deployment")
    assert deployment["spec"]["selector"]["matchLabels"][NAME] != pod()["metadata"]["labels"][NAME]


def test_one_decision_point_is_always_left() -> None:
    budget = read(PDP / "access.yaml", "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= pod()["metadata"]["labels"].items()


@pytest.mark.parametrize("folder", [PDP, SIDECAR], ids=["pods", "sidecar"])
def test_only_the_engine_is_another(folder: Path) -> None:
    ours, theirs = ((place / "Corefile").read_text() for place in (DEPLOY / "kubernetes", folder))
    assert GRPC.sub("        rego /etc/dnspolicy/policies\n    }", theirs) == ours


def test_what_decides_there_would_have_decided_here() -> None:
    words = [(place / "Corefile").read_text().split() for place in (PDP / "engine", DEPLOY / "kubernetes")]
    assert all("rego /etc/dnspolicy/policies" in " ".join(text) for text in words)


def test_the_targets_are_the_two_services() -> None:
    named = re.findall(r"\{\$(\w+)_SERVICE_HOST\}:(\d+)", (PDP / "Corefile").read_text())
    base = read(PDP / "point" / "service.yaml", "Service")
    suffixes = [yaml.safe_load((PDP / x / "kustomization.yaml").read_text())["nameSuffix"] for x in ("a", "b")]
    services = [base["metadata"]["name"] + suffix for suffix in suffixes]
    assert [name for name, _ in named] == [name.upper().replace("-", "_") for name in services]
    assert {int(port) for _, port in named} == {port["port"] for port in base["spec"]["ports"]}


@pytest.mark.parametrize("folder", [PDP, SIDECAR, PDP / "engine"], ids=["pods", "sidecar", "decision point"])
def test_check_finds_nothing_wrong_with_the_corefile(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a machine that has the files it names."""
    authority = Authority(tmp_path)
    certificate, key = authority.client("client")
    for made, name in ((authority.certificate, "ca.crt"), (certificate, "tls.crt"), (key, "tls.key")):
        (tmp_path / "pdp").mkdir(exist_ok=True)
        (tmp_path / "pdp" / name).write_bytes(made.read_bytes())
    (tmp_path / "policies").symlink_to(DEPLOY / "kubernetes" / "policies")
    corefile = tmp_path / "Corefile"
    corefile.write_text((folder / "Corefile").read_text().replace("/etc/dnspolicy", str(tmp_path)))
    for x in "AB":
        monkeypatch.setenv(f"DNSPOLICY_PDP_{x}_SERVICE_HOST", f"10.96.0.{ord(x)}")
    code = main(["check", "--conf", str(corefile)])
    assert (code, capsys.readouterr().err) == (0, "")


def test_without_the_services_the_server_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DNSPOLICY_PDP_A_SERVICE_HOST", raising=False)
    assert main(["check", "--conf", str(PDP / "Corefile")]) == 2
    assert "':9191' is not a decision point" in capsys.readouterr().err
