"""Who a source address is: the traps."""

from __future__ import annotations

import pytest
from cluster_worlds import index_of

from dnspolicy.cluster.objects import Kind, Namespace, Node, Object, ObjectKey, Pod, key_of
from dnspolicy.model.identity import ClientKind, Owner

NODE = Node("n1", ("192.0.2.1", "2001:db8::1"), zone="eu-1")


def pod(name: str, *addresses: str, **fields: object) -> Pod:
    return Pod("shop", name, addresses=addresses, **fields)  # type: ignore[arg-type]


def agent(name: str, node: str | None = "n1", **fields: object) -> Pod:
    """A hostNetwork pod on the node's address."""
    return Pod("infra", name, addresses=("192.0.2.1",), host_network=True, node=node, **fields)  # type: ignore[arg-type]


def test_a_pod_with_everything_known_about_it() -> None:
    web = Pod(
        "shop",
        "web-7d9f8b6c5d-x2x4z",
        uid="u1",
        addresses=("10.1.0.1",),
        labels={"app": "web"},
        service_account="frontend",
        node="n1",
        owner=Owner("Deployment", "web"),
    )
    found = index_of([web, NODE, Namespace("shop", {"env": "prod"})]).identify("10.1.0.1")

    assert found.kind is ClientKind.POD
    assert (found.namespace, found.pod, found.uid) == ("shop", "web-7d9f8b6c5d-x2x4z", "u1")
    assert (found.labels, found.namespace_labels) == ({"app": "web"}, {"env": "prod"})
    assert (found.service_account, found.node, found.zone) == ("frontend", "n1", "eu-1")
    assert found.owner == Owner("Deployment", "web")
    assert found.ip == "10.1.0.1"
    assert found.why


@pytest.mark.parametrize(
    ("objects", "address", "kind", "owner"),
    [
        pytest.param([pod("web", "10.1.0.1", "fd00::1")], "fd00::1", "pod", "web", id="dual stack, second address"),
        pytest.param([pod("web", "10.1.0.1")], "::ffff:10.1.0.1", "pod", "web", id="IPv4-mapped source"),
        pytest.param([pod("web", "10.1.0.1")], "::FFFF:0A01:0001", "pod", "web", id="IPv4-mapped source in hex"),
        pytest.param([pod("web", "fd00::1")], "FD00:0:0::0001", "pod", "web", id="another spelling"),
        pytest.param([pod("web", "fe80::1")], "fe80::1%eth0", "pod", "web", id="with a scope"),
        pytest.param([NODE], "192.0.2.1", "host", None, id="node address"),
        pytest.param([NODE], "2001:db8::1", "host", None, id="node's second address"),
        pytest.param([agent("proxy")], "192.0.2.1", "host", None, id="one hostNetwork pod is not that pod"),
        pytest.param([agent("proxy"), agent("cni"), NODE], "192.0.2.1", "host", None, id="many hostNetwork pods"),
        pytest.param([agent("proxy", finished=True)], "192.0.2.1", "unknown", None, id="finished hostNetwork pod"),
        pytest.param([pod("job", "10.1.0.1", finished=True)], "10.1.0.1", "unknown", None, id="only a finished pod"),
        pytest.param(
            [pod("job", "10.1.0.1", finished=True), pod("web", "10.1.0.1")],
            "10.1.0.1",
            "pod",
            "web",
            id="a finished pod's address reused",
        ),
        pytest.param([pod("web", "10.1.0.1", leaving=True)], "10.1.0.1", "pod", "web", id="a leaving pod still asks"),
        pytest.param(
            [pod("old", "10.1.0.1", leaving=True, started=5.0), pod("new", "10.1.0.1", started=1.0)],
            "10.1.0.1",
            "pod",
            "new",
            id="a leaving pod's address reused, whatever the clocks say",
        ),
        pytest.param(
            [pod("a", "10.1.0.1", leaving=True, started=1.0), pod("b", "10.1.0.1", leaving=True, started=2.0)],
            "10.1.0.1",
            "pod",
            "b",
            id="two leave: the newest",
        ),
        pytest.param(
            [pod("a", "10.1.0.1", leaving=True), pod("b", "10.1.0.1", leaving=True)],
            "10.1.0.1",
            "ambiguous",
            None,
            id="two leave, neither newer",
        ),
        pytest.param(
            [pod("a", "10.1.0.1", uid="u1", started=1.0), pod("b", "10.1.0.1", uid="u2", started=2.0)],
            "10.1.0.1",
            "ambiguous",
            None,
            id="two live owners, one newer",
        ),
        pytest.param([pod("web", "192.0.2.1"), NODE], "192.0.2.1", "ambiguous", None, id="a pod on a node's address"),
        pytest.param([pod("web", "192.0.2.1"), agent("proxy")], "192.0.2.1", "ambiguous", None, id="pod and host's"),
        pytest.param([pod("web", "10.1.0.1")], "10.1.200.7", "unknown", None, id="near a pod"),
        pytest.param([pod("web", "10.1.0.1")], "10.2.0.1", "external", None, id="outside the pods' /16"),
        pytest.param([pod("web", "fd00::1")], "fd00::2:0:0:1", "unknown", None, id="in the pods' /64"),
        pytest.param([pod("web", "fd00::1")], "fd00:0:0:1::1", "external", None, id="outside the pods' /64"),
        pytest.param([Node("n1", networks=("10.1.4.0/24",))], "10.1.4.9", "unknown", None, id="in a pod network"),
        pytest.param([Node("n1", networks=("10.1.4.0/24",))], "10.1.5.9", "external", None, id="outside pod networks"),
        pytest.param(
            [Node("n1", networks=("10.1.4.0/24",)), pod("web", "10.1.4.1", node="n1")],
            "10.1.5.9",
            "external",
            None,
            id="nothing is guessed around a pod in its node's network",
        ),
        pytest.param([agent("proxy")], "192.0.2.99", "external", None, id="near a node is no pod network"),
        pytest.param([], "10.1.0.1", "external", None, id="an empty cluster"),
        pytest.param([pod("web", "10.1.0.1")], "nonsense", "unknown", None, id="no address at all"),
    ],
)
def test_kinds(objects: list[Object], address: str, kind: str, owner: str | None) -> None:
    found = index_of(objects).identify(address)

    assert (found.kind, found.pod) == (ClientKind(kind), owner)
    assert found.why
    if found.kind is not ClientKind.POD:
        assert (found.namespace, found.service_account, found.uid, found.owner) == (None, None, None, None)
        assert not found.labels
        assert not found.namespace_labels


@pytest.mark.parametrize(
    ("objects", "node", "zone"),
    [
        pytest.param([NODE, agent("proxy")], "n1", "eu-1", id="node address"),
        pytest.param([Node("n1", zone="eu-1"), agent("proxy")], "n1", "eu-1", id="by its hostNetwork pods"),
        pytest.param([agent("proxy", node="n1"), agent("cni", node="n2")], None, None, id="pods of two nodes"),
        pytest.param([NODE, Node("n2", ("192.0.2.1",))], None, None, id="two nodes with one address"),
        pytest.param([agent("proxy", node=None)], None, None, id="no node said"),
    ],
)
def test_hosts_say_their_node(objects: list[Object], node: str | None, zone: str | None) -> None:
    found = index_of(objects).identify("192.0.2.1")

    assert (found.kind, found.node, found.zone) == (ClientKind.HOST, node, zone)


def test_ambiguity_names_who_holds_the_address() -> None:
    found = index_of([pod("a", "10.1.0.1"), pod("b", "10.1.0.1"), pod("c", "10.1.0.1")]).identify("10.1.0.1")

    assert found.why == "held by shop/a and shop/b and 1 more"


def test_an_address_reused_by_another_uid_of_the_same_name() -> None:
    index = index_of([Pod("shop", "db-0", uid="old", addresses=("10.1.0.1",))])
    index.identify("10.1.0.1")
    index.apply([Pod("shop", "db-0", uid="new", addresses=("10.1.0.1",), labels={"v": "2"})])

    found = index.identify("10.1.0.1")
    assert (found.uid, found.labels) == ("new", {"v": "2"})


@pytest.mark.parametrize(("uid", "left"), [("old", True), ("new", False), ("", False)])
def test_a_late_deletion_does_not_take_the_successor(uid: str, left: bool) -> None:
    index = index_of([Pod("shop", "db-0", uid="new", addresses=("10.1.0.1",))])
    moved = index.apply((), [ObjectKey(Kind.POD, "shop", "db-0", uid)])

    assert (index.pod("shop", "db-0") is not None) is left
    assert (index.identify("10.1.0.1").kind is ClientKind.POD) is left
    assert bool(moved) is not left


def test_deleting_one_of_two_owners_settles_who_it_is() -> None:
    a, b = pod("a", "10.1.0.1", uid="u1"), pod("b", "10.1.0.1", uid="u2")
    index = index_of([a, b])
    assert index.identify("10.1.0.1").kind is ClientKind.AMBIGUOUS
    index.apply((), [key_of(a)])

    assert index.identify("10.1.0.1").pod == "b"


def test_identities_are_found_once_and_strangers_are_bounded() -> None:
    index = index_of([pod("web", "10.1.0.1")])
    known = index.identify("10.1.0.1")
    first = index.identify("10.9.0.0")
    for number in range(10_000):
        index.identify(f"10.{20 + number // 65536}.{number // 256 % 256}.{number % 256}")

    assert index.identify("10.1.0.1") is known
    assert index.identify("10.9.0.0") is not first
