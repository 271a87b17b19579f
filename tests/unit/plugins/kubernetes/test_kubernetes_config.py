"""The directive: what it takes and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from kubernetes_help import index

from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.name import from_text
from dnspolicy.plugins.kubernetes import Config, Kubernetes


def read(folder: Path, *lines: str, zones: str = "") -> Config:
    """The Config of one directive. Raises ConfigError."""
    path = folder / "Corefile"
    path.write_text("\n".join([".:53 {", f"kubernetes {zones} {{", *lines, "}", "}"]))
    complaints = Complaints()
    found = bind(load(path, {}).blocks[0].directives[0], Config, complaints)
    complaints.raise_if_any()
    assert found is not None
    return found


def test_everything_at_once(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        "manifests /srv/cluster", "pods verified", "namespaces shop bank", "labels tier in (web, db),!old",
        "endpoint_pod_names", "ttl 30", "fallthrough in-addr.arpa ip6.arpa", "ignore empty_service",
        zones="Cluster.Local 10.0.0.0/8",
    )  # fmt: skip

    assert config.zones == ("cluster.local.", "10.in-addr.arpa.")
    assert (config.manifests, config.pods, config.namespaces, config.ttl) == (
        "/srv/cluster",
        "verified",
        ("shop", "bank"),
        30,
    )
    assert config.selector.accepts({"tier": "db"})
    assert not config.selector.accepts({"tier": "db", "old": ""})
    assert config.fallthrough == ("in-addr.arpa.", "ip6.arpa.")
    assert config.endpoint_pod_names


def test_nothing_but_a_source(tmp_path: Path) -> None:
    config = read(tmp_path, "manifests .")
    assert (config.zones, config.ttl, config.pods, config.fallthrough) == ((), 5, "disabled", None)


def test_fallthrough_without_zones_is_for_all(tmp_path: Path) -> None:
    assert read(tmp_path, "manifests .", "fallthrough").fallthrough == ()


def test_all_of_an_api_server(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        "kubeconfig /etc/kubernetes/admin.conf ops", "endpoint https://10.0.0.1:6443", "tls c.pem k.pem ca.pem",
        "apiserver_qps 2.5", "apiserver_burst 20", "apiserver_max_inflight 4", "startup_timeout 1m", "snapshot /var/s",
    )  # fmt: skip

    assert (config.kubeconfig, config.tls) == (("/etc/kubernetes/admin.conf", "ops"), ("c.pem", "k.pem", "ca.pem"))
    assert (config.apiserver_qps, config.apiserver_burst, config.apiserver_max_inflight) == (2.5, 20, 4)
    assert (config.startup_timeout, config.snapshot) == (60.0, "/var/s")


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        pytest.param(["manifests .", "endpoint http://127.0.0.1:1"], "two sources", id="two sources"),
        pytest.param(["manifests .", "kubeconfig k"], "two sources", id="folder and kubeconfig"),
        pytest.param(["manifests .", "snapshot s"], "files already", id="snapshot of files"),
        pytest.param(["endpoint 127.0.0.1:1"], "'127.0.0.1:1' is no URL", id="no URL"),
        pytest.param(["endpoint https://a", "tls cert key"], "tls", id="tls without authority"),
        pytest.param(["kubeconfig a b c"], "kubeconfig", id="kubeconfig with too many words"),
        pytest.param(["apiserver_qps -1"], "apiserver_qps", id="negative rate"),
        pytest.param(["startup_timeout soon"], "startup_timeout", id="no duration"),
        pytest.param(["manifests .", "pods maybe"], '"maybe" is not right for pods', id="pod mode"),
        pytest.param(["manifests .", "pod verified"], "did you mean", id="nearest word"),
        pytest.param(["manifests .", "ttl 3601"], '"3601" is not right for ttl', id="ttl too long"),
        pytest.param(["manifests .", "ttl -1"], '"-1" is not right for ttl', id="ttl negative"),
        pytest.param(["manifests .", "namespaces"], "namespaces", id="namespaces of nothing"),
        pytest.param(["manifests .", "namespaces a", "namespace_labels b=c"], "cannot both", id="two filters"),
        pytest.param(["manifests .", "labels a==b==c"], "labels: 'a==b==c' is no label selector", id="selector"),
        pytest.param(["manifests .", "namespace_labels =a"], "namespace_labels: '=a'", id="namespace selector"),
        pytest.param(["manifests .", "ignore everything"], '"everything" is not right for ignore', id="ignore"),
        pytest.param(["manifests .", "noendpoints", "ignore empty_service"], "looks at endpoints", id="contradiction"),
        pytest.param(["manifests .", "resyncperiod 5m"], "resyncperiod", id="unknown option"),
    ],
)
def test_refuses_what_it_does_not_understand(lines: list[str], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, *lines)
    assert complaint in str(raised.value)
    assert "Corefile:" in str(raised.value)


def test_needs_a_zone_that_names_can_be_in() -> None:
    with pytest.raises(ConfigError, match="only reverse zones"):
        Kubernetes(Config(manifests="."), cluster=index(), zones=(from_text("10.in-addr.arpa"),), local_addresses=())


def test_needs_room_for_names_in_its_zone() -> None:
    long = from_text(".".join(["a" * 61] * 4))
    with pytest.raises(ConfigError, match="too long"):
        Kubernetes(Config(manifests="."), cluster=index(), zones=(long,), local_addresses=())
