"""What the room says of queries under labels, and the search lists it knows."""

from __future__ import annotations

import pytest

from dnspolicy.chain.metadata import Metadata, Subject
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.index import Index
from dnspolicy.model.identity import NOBODY, ClientKind, Identity
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.plugins.kubernetes import Config, Kubernetes
from dnspolicy.plugins.kubernetes.config import PodMode
from dnspolicy.testing.clock import FakeClock

POD = Identity(
    ClientKind.POD, "", "10.244.5.1", "shop", "client-a", labels={"app": "client", "app.kubernetes.io/name": "front"}
)
NODE = Identity(ClientKind.HOST, "", "10.0.0.1", node="n1")
SHARED = Identity(ClientKind.AMBIGUOUS, "", "10.0.0.2")
CLIENT = ("client-namespace", "client-pod-name", "client-label/app", "client-label/app.kubernetes.io/name")
SHAPE = ("endpoint", "kind", "namespace", "port-name", "protocol", "service", "parse-error")
LABELS = (*(f"kubernetes/{word}" for word in (*CLIENT, *SHAPE)), "client/ambiguous")


def room(pods: PodMode) -> Kubernetes:
    zones = (from_text("cluster.local"), from_text("in-addr.arpa"), from_text("two.test"))
    return Kubernetes(
        Config(pods=pods),
        cluster=Index(FakeClock(), Metrics()),
        zones=zones,
        local_addresses=(),
        search=(from_text("partner.test"),),
    )


def labels(name: str, identity: Identity, pods: PodMode) -> dict[str, str]:
    """All labels that have a value."""
    metadata = Metadata()
    metadata.describers.append(room(pods))
    asked = from_text(name)
    found = {label: metadata.value(label, Subject(Query(asked, 1, asked), identity)) for label in LABELS}
    return {label.removeprefix("kubernetes/"): value for label, value in found.items() if value}


@pytest.mark.parametrize(
    ("name", "identity", "pods", "found"),
    [
        pytest.param("web.shop.svc.cluster.local", POD, PodMode.DISABLED,
            {"kind": "svc", "namespace": "shop", "service": "web"}, id="D001"),
        pytest.param("ep.web.shop.svc.cluster.local", NOBODY, PodMode.DISABLED,
            {"endpoint": "ep", "kind": "svc", "namespace": "shop", "service": "web"}, id="D003"),
        pytest.param("foo.bar.notapod.cluster.local", NOBODY, PodMode.DISABLED,
            {"parse-error": "invalid query name"}, id="D005"),
        pytest.param("example.com", POD, PodMode.VERIFIED,
            {"client-namespace": "shop", "client-pod-name": "client-a", "client-label/app": "client",
             "client-label/app.kubernetes.io/name": "front"}, id="D007"),
        pytest.param("example.com", NODE, PodMode.VERIFIED, {"client/ambiguous": "true"}, id="D009"),
        pytest.param("example.com", SHARED, PodMode.VERIFIED, {"client/ambiguous": "true"}, id="several pods"),
        pytest.param("example.com", NOBODY, PodMode.VERIFIED, {}, id="D011"),
        pytest.param("example.com", NODE, PodMode.INSECURE, {}, id="not verified"),
        pytest.param("_http._TCP.Web.shop.svc.cluster.local", NOBODY, PodMode.DISABLED,
            {"kind": "svc", "namespace": "shop", "service": "web", "port-name": "http", "protocol": "tcp"}, id="port"),
        pytest.param("1-2-3-4.shop.pod.cluster.local", NOBODY, PodMode.DISABLED,
            {"kind": "pod", "namespace": "shop", "service": "1-2-3-4"}, id="pod"),
        pytest.param("shop.svc.cluster.local", NOBODY, PodMode.DISABLED,
            {"kind": "svc", "namespace": "shop"}, id="namespace"),
        pytest.param("svc.cluster.local", NOBODY, PodMode.DISABLED, {}, id="tree"),
        pytest.param("cluster.local", NOBODY, PodMode.DISABLED, {}, id="apex"),
        pytest.param("other.cluster.local", NOBODY, PodMode.DISABLED,
            {"parse-error": "invalid query name"}, id="no tree"),
        pytest.param("a.b.c.web.shop.svc.cluster.local", NOBODY, PodMode.DISABLED,
            {"parse-error": "invalid query name"}, id="too many labels"),
    ],
)  # fmt: skip
def test_labels(name: str, identity: Identity, pods: PodMode, found: dict[str, str]) -> None:
    assert labels(name, identity, pods) == found


@pytest.mark.parametrize(
    ("label", "facts"),
    [
        pytest.param("kubernetes/client-namespace", {("namespace",)}, id="namespace"),
        pytest.param("kubernetes/client-pod-name", {("pod",)}, id="pod"),
        pytest.param("kubernetes/client-label/app", {("labels", "app")}, id="label"),
        pytest.param("client/ambiguous", {("kind",)}, id="ambiguous"),
        pytest.param("kubernetes/namespace", set(), id="of the name"),
        pytest.param("forward/upstream", set(), id="of another"),
    ],
)
def test_facts(label: str, facts: set[tuple[str]]) -> None:
    assert room(PodMode.VERIFIED).facts_of(label) == facts
    assert room(PodMode.INSECURE).facts_of(label) == set()


def test_labels_of_others() -> None:
    assert room(PodMode.VERIFIED).describe("view/name", Subject(Query(from_text("a"), 1, from_text("a")))) is None


def test_labels_only_within_the_zones_of_the_directive() -> None:
    metadata = Metadata(True, (from_text("cluster.local"),))
    metadata.describers.append(room(PodMode.VERIFIED))
    inside, outside = (Subject(Query(n, 1, n), POD) for n in map(from_text, ("a.cluster.local", "a.test")))
    values = [metadata.value("kubernetes/client-namespace", subject) for subject in (inside, outside)]
    assert values == ["shop", ""]


@pytest.mark.parametrize(
    ("identity", "name", "path"),
    [
        pytest.param(
            POD, "a.b.cluster.local", "shop.svc.cluster.local svc.cluster.local cluster.local partner.test .", id="pod"
        ),
        pytest.param(POD, "a.two.test", "shop.svc.two.test svc.two.test two.test partner.test .", id="another zone"),
        pytest.param(POD, "a.test", "", id="outside of the zones"),
        pytest.param(NOBODY, "a.cluster.local", "", id="nobody"),
        pytest.param(NODE, "a.cluster.local", "", id="node"),
        pytest.param(SHARED, "a.cluster.local", "", id="several pods"),
    ],
)
def test_search_path(identity: Identity, name: str, path: str) -> None:
    assert " ".join(map(str, room(PodMode.VERIFIED).search_path(identity, from_text(name)))) == path
    assert room(PodMode.INSECURE).search_path(identity, from_text(name)) == ()
