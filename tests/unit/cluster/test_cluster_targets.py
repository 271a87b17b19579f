"""What names point at, by the grammar, whether or not it exists."""

from __future__ import annotations

import pytest
from cluster_worlds import ZONES, index_of, reverse

from dnspolicy.cluster.index import Index
from dnspolicy.cluster.objects import Endpoint, EndpointSlice, Namespace, Node, Object, Pod, Service, ServiceKind
from dnspolicy.model.answer import Rests
from dnspolicy.model.name import from_labels, from_text
from dnspolicy.model.target import Target, TargetKind

CLUSTER: list[Object] = [
    Namespace("shop", {"env": "prod"}),
    Node("n1", ("192.0.2.1",), zone="z1"),
    Service("shop", "web", ServiceKind.CLUSTER_IP, ("10.96.0.1", "fd96::1"), labels={"tier": "front"}),
    Service("shop", "db", ServiceKind.HEADLESS),
    Service("shop", "twin", ServiceKind.HEADLESS),
    EndpointSlice("shop", "db-1", "db", (Endpoint("10.1.0.1", hostname="db-0", pod="db-0", node="n1", zone="z1"),)),
    EndpointSlice("shop", "db-2", "db", (Endpoint("10.1.0.1", hostname="db-0", pod="db-0"), Endpoint("fd00::1"))),
    EndpointSlice("shop", "db-3", "db", (Endpoint("10.1.0.4", pod="liar"),)),
    EndpointSlice("shop", "twin-1", "twin", (Endpoint("10.1.0.1", pod="db-0"),)),
    EndpointSlice("shop", "web-1", "web", (Endpoint("10.1.0.2", pod="web-0"),)),
    Pod("shop", "db-0", "u1", ("10.1.0.1",), labels={"app": "db"}),
    Pod("shop", "web-0", "u2", ("10.1.0.2",), labels={"app": "web"}),
    Pod("shop", "lone", "u3", ("10.1.0.3", "fd00::3"), labels={"app": "lone"}),
    Pod("shop", "liar", "u4", ("10.1.0.9",), labels={"app": "liar"}),
    Pod("shop", "agent", "u6", ("192.0.2.1",), host_network=True, node="n1"),
    Pod("shop", "done", "u5", ("10.1.0.5",), finished=True),
]


@pytest.fixture(scope="module")
def index() -> Index:
    return index_of(CLUSTER)


def target(index: Index, text: str, endpoints: bool = False) -> Target:
    (found,) = index.targets(from_text(text), ZONES, endpoints)
    return found


@pytest.mark.parametrize(
    ("text", "kind", "namespace", "name", "exists"),
    [
        pytest.param("web.shop.svc.cluster.local", "service", "shop", "web", True, id="service"),
        pytest.param("WEB.Shop.SVC.Cluster.LOCAL", "service", "shop", "web", True, id="any letter case"),
        pytest.param("nope.shop.svc.cluster.local", "service", "shop", "nope", False, id="no such service"),
        pytest.param("web.nope.svc.cluster.local", "service", "nope", "web", False, id="no such namespace"),
        pytest.param("_http._tcp.web.shop.svc.cluster.local", "service", "shop", "web", True, id="port and protocol"),
        pytest.param("http.tcp.web.shop.svc.cluster.local", "service", "shop", "web", True, id="without underscores"),
        pytest.param("_x._udp.nope.shop.svc.cluster.local", "service", "shop", "nope", False, id="port of no service"),
        pytest.param("db-0.db.shop.svc.cluster.local", "endpoint", "shop", "db", True, id="endpoint by hostname"),
        pytest.param("fd00--1.db.shop.svc.cluster.local", "endpoint", "shop", "db", True, id="endpoint by address"),
        pytest.param("web-0.web.shop.svc.cluster.local", "endpoint", "shop", "web", True, id="endpoint by pod name"),
        pytest.param("10-1-0-1.db.shop.svc.cluster.local", "endpoint", "shop", "db", False, id="it has a hostname"),
        pytest.param("nope.db.shop.svc.cluster.local", "endpoint", "shop", "db", False, id="no such endpoint"),
        pytest.param("x.nope.shop.svc.cluster.local", "endpoint", "shop", "nope", False, id="endpoint of no service"),
        pytest.param("a.b.c.web.shop.svc.cluster.local", "none", "shop", None, False, id="too deep"),
        pytest.param("shop.svc.cluster.local", "none", "shop", None, False, id="namespace"),
        pytest.param("svc.cluster.local", "none", None, None, False, id="svc"),
        pytest.param("pod.cluster.local", "none", None, None, False, id="pod"),
        pytest.param("shop.pod.cluster.local", "none", "shop", None, False, id="namespace below pod"),
        pytest.param("cluster.local", "none", None, None, False, id="apex"),
        pytest.param("dns-version.cluster.local", "none", None, None, False, id="version"),
        pytest.param("web.shop.cluster.local", "none", None, None, False, id="neither svc nor pod"),
        pytest.param("10-1-0-3.shop.pod.cluster.local", "pod", "shop", "lone", True, id="pod"),
        pytest.param("fd00--3.shop.pod.cluster.local", "pod", "shop", "lone", True, id="pod by its second address"),
        pytest.param("a.b.10-1-0-3.shop.pod.cluster.local", "pod", "shop", "lone", True, id="labels before a pod"),
        pytest.param("10-1-0-3.nope.pod.cluster.local", "pod", "nope", None, False, id="pod of another namespace"),
        pytest.param("10-1-0-5.shop.pod.cluster.local", "pod", "shop", None, False, id="finished pod"),
        pytest.param("192-0-2-1.shop.pod.cluster.local", "pod", "shop", "agent", True, id="hostNetwork pod"),
        pytest.param("10-1-0-333.shop.pod.cluster.local", "none", "shop", None, False, id="pod without an address"),
        pytest.param("notcluster.local", "external", None, None, False, id="outside"),
        pytest.param("web.shop.svc.xcluster.local", "external", None, None, False, id="only looks like the zone"),
        pytest.param("www.example", "external", None, None, False, id="external"),
        pytest.param(".", "external", None, None, False, id="root"),
        pytest.param(reverse("10.96.0.1"), "service", "shop", "web", True, id="reverse of a service"),
        pytest.param(reverse("fd96::1"), "service", "shop", "web", True, id="reverse of a service, IPv6"),
        pytest.param(reverse("fd00::1"), "endpoint", "shop", "db", True, id="reverse of an endpoint"),
        pytest.param(reverse("10.1.0.3"), "pod", "shop", "lone", True, id="reverse of a pod"),
        pytest.param(reverse("10.1.0.5"), "none", None, None, False, id="reverse of a finished pod"),
        pytest.param(reverse("192.0.2.1"), "none", None, None, False, id="reverse of a node and its hostNetwork pods"),
        pytest.param("0.10.in-addr.arpa", "none", None, None, False, id="part of a reverse name"),
        pytest.param("x.0.0.10.in-addr.arpa", "none", None, None, False, id="no reverse name"),
        pytest.param("01.0.96.10.in-addr.arpa", "none", None, None, False, id="leading zero"),
        pytest.param("1.0.0.10.in-addr.example", "external", None, None, False, id="reverse of nothing"),
    ],
)
def test_grammar(index: Index, text: str, kind: str, namespace: str | None, name: str | None, exists: bool) -> None:
    found = target(index, text)

    assert (found.kind, found.namespace, found.name, found.exists) == (TargetKind(kind), namespace, name, exists)
    assert found.namespace_labels == ({"env": "prod"} if namespace == "shop" else {})


@pytest.mark.parametrize(
    ("text", "rests"),
    [
        ("web.shop.svc.cluster.local", {(Rests.SERVICE, "shop/web"), (Rests.NAMESPACE, "shop")}),
        ("nope.shop.svc.cluster.local", {(Rests.SERVICE, "shop/nope"), (Rests.NAMESPACE, "shop")}),
        ("x.nope.shop.svc.cluster.local", {(Rests.SERVICE, "shop/nope"), (Rests.NAMESPACE, "shop")}),
        ("nope.svc.cluster.local", {(Rests.NAMESPACE, "nope")}),
        ("10-1-0-77.shop.pod.cluster.local", {(Rests.IP, "10.1.0.77"), (Rests.NAMESPACE, "shop")}),
        ("77.0.1.10.in-addr.arpa", {(Rests.IP, "10.1.0.77")}),
        ("1.0.96.10.in-addr.arpa", {(Rests.IP, "10.96.0.1"), (Rests.SERVICE, "shop/web"), (Rests.NAMESPACE, "shop")}),
        ("www.example", set()),
    ],
)
def test_absence_rests_on_something_too(index: Index, text: str, rests: set[tuple[Rests, str]]) -> None:
    assert target(index, text).rests == rests


def test_an_address_outside_the_zones_still_has_its_owner(index: Index) -> None:
    zones = (from_text("cluster.local"),)
    (service,) = index.targets(from_text("1.0.96.10.in-addr.arpa"), zones, False)
    (nobody,) = index.targets(from_text("9.9.9.9.in-addr.arpa"), zones, False)

    assert (service.kind, service.name) == (TargetKind.SERVICE, "web")
    assert nobody.kind is TargetKind.EXTERNAL
    assert nobody.rests == {(Rests.IP, "9.9.9.9")}


def test_an_address_of_several_services_has_several_owners(index: Index) -> None:
    found = index.targets(from_text("1.0.1.10.in-addr.arpa"), ZONES, False)

    assert [(t.kind, t.name) for t in found] == [(TargetKind.ENDPOINT, "db"), (TargetKind.ENDPOINT, "twin")]


def test_the_longest_zone_wins() -> None:
    zones = (from_text("local"), from_text("cluster.local"), from_text("."))
    (found,) = index_of(CLUSTER).targets(from_text("web.shop.svc.cluster.local"), zones, False)
    (root,) = index_of(CLUSTER).targets(from_text("web.shop.svc"), zones, False)

    assert (found.name, root.name) == ("web", "web")


def test_services_carry_their_endpoints_when_asked(index: Index) -> None:
    found = target(index, "db.shop.svc.cluster.local", endpoints=True)

    assert [(e.ip, e.pod, e.node, e.zone, dict(e.labels)) for e in found.endpoints] == [
        ("10.1.0.1", "db-0", "n1", "z1", {"app": "db"}),
        ("fd00::1", None, None, None, {}),
        ("10.1.0.4", "liar", None, None, {}),
    ]
    assert target(index, "db.shop.svc.cluster.local").endpoints == ()


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("db-0.db.shop.svc.cluster.local", ["10.1.0.1"]),
        ("1.0.1.10.in-addr.arpa", ["10.1.0.1"]),
        ("1.0.96.10.in-addr.arpa", ["10.1.0.2"]),
        ("10-1-0-1.shop.pod.cluster.local", []),
    ],
)
def test_other_targets_carry_the_endpoints_they_name(index: Index, text: str, addresses: list[str]) -> None:
    found = index.targets(from_text(text), ZONES, True)

    assert [e.ip for e in found[0].endpoints] == addresses


def test_odd_bytes_are_escaped_and_never_match() -> None:
    tricky = from_labels((b"a/b", b"sh.op\xff", b"svc", b"cluster", b"local"))
    (found,) = index_of(CLUSTER).targets(tricky, ZONES, False)

    assert (found.namespace, found.name, found.exists) == ("sh\\046op\\255", "a\\047b", False)
    assert (Rests.SERVICE, "sh\\046op\\255/a\\047b") in found.rests
