"""What a Corefile wants to know of its cluster, and from where."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.app.clusters import kinds_of, source_of
from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import Plan
from dnspolicy.app.reading import read_plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.cluster.apiserver.options import Connect, Limits, Options
from dnspolicy.plugins import kubernetes

ALWAYS = ["Namespace", "Service"]
SLICES = [*ALWAYS, "EndpointSlice"]


def plan(folder: Path, *blocks: str) -> Plan:
    text = "".join(f"{zone}:53 {{\n{block}\n}}\n" for zone, block in zip(("a.local", "b.local"), blocks, strict=False))
    (folder / "Corefile").write_text(text)
    return read_plan(folder / "Corefile", {})


def ignore(line: str) -> None:
    """Nothing is looked at."""


KINDS = {
    "names only": ("kubernetes", SLICES),
    "noendpoints": ("kubernetes {\n noendpoints\n}", ALWAYS),
    "pods insecure": ("kubernetes {\n pods insecure\n}", SLICES),
    "pods verified": ("kubernetes {\n pods verified\n}", [*SLICES, "Pod"]),
    "verified, without endpoints": ("kubernetes {\n pods verified\n noendpoints\n}", [*ALWAYS, "Pod"]),
    "metadata": ("kubernetes\nmetadata", [*SLICES, "Pod"]),
    "policy": ("kubernetes {\n noendpoints\n}\npolicy {\n rego policy\n}", [*SLICES, "Pod", "Node"]),
    "audit": ("kubernetes\naudit {\n stdout\n}", [*SLICES, "Pod", "Node"]),
}


@pytest.mark.parametrize(("block", "kinds"), list(KINDS.values()), ids=list(KINDS))
def test_kinds_that_are_needed(tmp_path: Path, block: str, kinds: list[str]) -> None:
    assert [kind.value for kind in kinds_of(plan(tmp_path, block))] == kinds


def test_one_block_that_needs_endpoints_is_enough(tmp_path: Path) -> None:
    made = plan(tmp_path, "kubernetes {\n noendpoints\n}", "kubernetes")
    assert [kind.value for kind in kinds_of(made)] == SLICES


def source(folder: Path, *lines: str) -> Path | Options:
    made = plan(folder, "kubernetes {\n" + "\n".join(lines) + "\n}")
    return source_of(made.blocks[0].all(kubernetes.Config)[0], made)


SOURCES = {
    "in the cluster": ([], Connect()),
    "kubeconfig": (["kubeconfig kube/config"], Connect(kubeconfig=Path("kube/config"))),
    "context": (["kubeconfig /k ops"], Connect(kubeconfig=Path("/k"), context="ops")),
    "endpoint": (["endpoint http://a:1 http://b:2"], Connect(endpoint="http://a:1")),
    "kubeconfig before endpoint": (["endpoint http://a:1", "kubeconfig /k"], Connect(kubeconfig=Path("/k"))),
    "certificates": (
        ["endpoint https://a", "tls /c /k /ca"],
        Connect(endpoint="https://a", certificate=Path("/c"), key=Path("/k"), ca=Path("/ca")),
    ),
}


@pytest.mark.parametrize(("lines", "connect"), list(SOURCES.values()), ids=list(SOURCES))
def test_where_the_cluster_is_read_from(tmp_path: Path, lines: list[str], connect: Connect) -> None:
    found = source(tmp_path, *lines)
    assert isinstance(found, Options)
    if connect.kubeconfig is not None and not connect.kubeconfig.is_absolute():
        connect = Connect(kubeconfig=tmp_path / connect.kubeconfig)
    assert found.connect == connect


def test_limits_and_snapshot(tmp_path: Path) -> None:
    found = source(tmp_path, "apiserver_qps 2", "apiserver_burst 4", "apiserver_max_inflight 1", "snapshot s")
    assert isinstance(found, Options)
    assert (found.limits, found.snapshot) == (Limits(qps=2.0, burst=4, max_inflight=1), tmp_path / "s")


def test_equal_words_are_one_source(tmp_path: Path) -> None:
    parts = Parts(SystemClock(), ignore, ignore)
    first, again, other = (source(tmp_path, f"endpoint http://127.0.0.1:{port}") for port in (1, 1, 2))
    assert parts.source(first) is parts.source(again)
    assert parts.source(first) is not parts.source(other)
