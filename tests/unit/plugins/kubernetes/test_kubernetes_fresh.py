"""What answers rest on, and that prepared answers are never stale, over random changes of the cluster."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubernetes_help import CLUSTER, DB_SLICE, HTTP, ZONES, answer, index, room, saying

from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.objects import (
    Endpoint,
    EndpointSlice,
    Kind,
    Namespace,
    Object,
    ObjectKey,
    Pod,
    Port,
    Service,
    ServiceKind,
    key_of,
)
from dnspolicy.model.answer import Answer, Rests
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.kubernetes import Config
from dnspolicy.plugins.kubernetes.config import Ignore, PodMode, Quirks
from dnspolicy.testing.clock import FakeClock

SERIAL = (Rests.SERIAL, "cluster")
ADDRESSES = ("10.96.0.1", "10.96.0.2", "10.1.0.1", "10.1.0.2", "fd00::1")
LABELS = ({}, {"expose": "yes"}, {"team": "retail"})
PORTS = ((), (HTTP,), (HTTP, Port("", "tcp", 81)), (Port("dns", "udp", 53),))

spaces = st.sampled_from(("shop", "bank"))
names = st.sampled_from(("web", "db"))
labels = st.sampled_from(LABELS)
addresses = st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=2, unique=True).map(tuple)
ports = st.sampled_from(PORTS)
services = st.one_of(
    st.builds(Service, spaces, names, st.just(ServiceKind.CLUSTER_IP), addresses, ports, labels=labels),
    st.builds(Service, spaces, names, st.just(ServiceKind.HEADLESS), st.just(()), ports, labels=labels),
    st.builds(
        Service, spaces, names, st.just(ServiceKind.EXTERNAL_NAME), st.just(()), st.just(()),
        st.sampled_from(("www.lab.test", "db.shop.svc.cluster.local", "web.bank.svc.cluster.local", "192.0.2.1")),
        labels,
    ),
)  # fmt: skip
endpoints = st.builds(
    Endpoint, st.sampled_from(ADDRESSES), hostname=st.sampled_from(("", "h1", "h2")), pod=st.sampled_from(("", "p1"))
)
slices = st.builds(
    EndpointSlice,
    spaces,
    st.sampled_from(("s1", "s2")),
    names,
    st.lists(endpoints, max_size=2).map(tuple),
    ports,
    labels,
)
pods = st.builds(
    Pod, spaces, st.sampled_from(("p1", "p2")), st.sampled_from(("u1", "u2")), addresses, host_network=st.booleans(),
    finished=st.booleans(), leaving=st.booleans(), labels=labels,
)  # fmt: skip
objects = st.one_of(services, slices, pods, st.builds(Namespace, spaces, labels))
keys = st.one_of(
    st.builds(ObjectKey, st.just(Kind.SERVICE), spaces, names),
    st.builds(ObjectKey, st.just(Kind.ENDPOINT_SLICE), spaces, st.sampled_from(("s1", "s2"))),
    st.builds(ObjectKey, st.just(Kind.NAMESPACE), st.just(""), spaces),
    st.builds(ObjectKey, st.just(Kind.POD), spaces, st.sampled_from(("p1", "p2"))),
)
steps = st.lists(
    st.tuples(st.lists(objects, max_size=2), st.lists(keys, max_size=1), st.booleans()), min_size=1, max_size=5
)
configs = st.sampled_from(
    (
        Config(manifests="."),
        Config(manifests=".", pods=PodMode.VERIFIED, endpoint_pod_names=True),
        Config(manifests=".", pods=PodMode.INSECURE, ignore=Ignore.EMPTY_SERVICE),
        Config(manifests=".", labels=("expose=yes",), pods=PodMode.VERIFIED),
        Config(manifests=".", namespace_labels=("!team",), pods=PodMode.VERIFIED),
        Config(manifests=".", namespaces=("shop",), noendpoints=True),
        Config(manifests=".", quirks=Quirks.COREDNS, pods=PodMode.VERIFIED),
        Config(manifests=".", quirks=Quirks.COREDNS, namespace_labels=("!team",), pods=PodMode.INSECURE),
    )
)


def questions() -> list[tuple[str, str]]:
    found = [("cluster.local", "NS"), ("cluster.local", "SOA"), ("ns.dns.cluster.local", "A")]
    for space in ("shop", "bank"):
        found += [(f"{space}.svc.cluster.local", "A"), (f"{space}.pod.cluster.local", "A")]
        found += [(f"10-1-0-1.{space}.pod.cluster.local", "A"), (f"fd00--1.{space}.pod.cluster.local", "AAAA")]
        found += [(f"x.10-1-0-1.{space}.pod.cluster.local", "SRV"), (f"web.{space}.svc.cluster.local", "SOA")]
        for name in ("web", "db"):
            base = f"{name}.{space}.svc.cluster.local"
            found += [(base, kind) for kind in ("A", "AAAA", "SRV", "CNAME", "TXT")]
            found += [(f"_http._tcp.{base}", "SRV"), (f"_udp.{base}", "A"), (f"H1.{base}", "A"), (f"p1.{base}", "SRV")]
            found += [(f"10-1-0-1.{base}", "A"), (f"http.tcp.{base}", "A"), (f"http.tcp.{base}", "SRV")]
    found += [(f"{'.'.join(reversed(a.split('.')))}.in-addr.arpa", "PTR") for a in ADDRESSES if "." in a]
    return [*found, ("96.10.in-addr.arpa", "PTR"), ("0.1.10.in-addr.arpa", "TXT"), ("1.96.10.in-addr.arpa", "A")]


QUESTIONS = questions()
OUTSIDE = saying(Answer(made_by="forward"))


def read(cluster: Index, config: Config) -> dict[tuple[str, str], Answer]:
    """Every question answered by a room that remembers nothing."""
    asked = room(cluster, config, started=False, local=("10.1.0.1",))
    return {(n, k): answer(asked, n, k, resolve=OUTSIDE) for n, k in QUESTIONS}


def said(found: Answer) -> tuple[object, ...]:
    return found.rcode, found.answer, found.authority, found.additional


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(steps, configs)
def test_answers_are_never_stale(steps: list[tuple[list[Object], list[ObjectKey], bool]], config: Config) -> None:
    clock = FakeClock()
    cluster = Index(clock, Metrics())
    cluster.apply(CLUSTER, loaded=tuple(Kind))
    remembering = room(cluster, config, local=("10.1.0.1",))
    before = read(cluster, config)
    for changed, removed, later in steps:
        clock.advance(float(later))
        moved = cluster.apply(changed, removed)
        after = read(cluster, config)
        for question in QUESTIONS:
            name, kind = question
            for _ in range(2):
                assert said(answer(remembering, name, kind, resolve=OUTSIDE)) == said(after[question]), question
            old = before[question]
            if old.fresh.ttl is None and said(old) != said(after[question]):
                assert old.fresh.rests & moved, question
        before = after


@pytest.mark.parametrize(
    ("name", "kind", "rests"),
    [
        pytest.param("web.shop.svc", "A", {("service", "shop/web"), ("namespace", "shop")}, id="hit"),
        pytest.param(
            "web.shop.svc", "AAAA", {("service", "shop/web"), ("namespace", "shop"), ("serial", "cluster")}, id="nodata"
        ),
        pytest.param(
            "nosuch.shop.svc",
            "A",
            {("service", "shop/nosuch"), ("namespace", "shop"), ("serial", "cluster"), ("cluster", "sync")},
            id="missing",
        ),
        pytest.param("www.lab.test", "A", {("serial", "cluster"), ("cluster", "sync")}, id="not in the grammar"),
        pytest.param(
            "10-1-0-9.shop.pod", "A", {("ip", "10.1.0.9"), ("namespace", "shop")}, id="verified pod"
        ),
        pytest.param("", "SOA", {("serial", "cluster")}, id="soa"),
        pytest.param("dns-version", "TXT", set(), id="version"),
    ],
)  # fmt: skip
def test_rests_on_what_was_looked_at(name: str, kind: str, rests: set[tuple[str, str]]) -> None:
    asked = room(index(), Config(manifests=".", pods=PodMode.VERIFIED))
    found = answer(asked, f"{name}.cluster.local".lstrip("."), kind)
    assert found.fresh.rests == rests
    assert found.fresh.ttl is None


def test_a_reverse_name_rests_on_address_and_owner() -> None:
    found = answer(room(index()), "1.0.1.10.in-addr.arpa", "PTR")
    assert found.fresh.rests == {("ip", "10.1.0.1"), ("service", "shop/web"), ("namespace", "shop")}
    assert ZONES[1] == "10.in-addr.arpa."


def test_names_between_addresses_and_zone_are_looked_up_each_time() -> None:
    assert answer(room(index()), "96.10.in-addr.arpa", "PTR").fresh.ttl == 0


def test_a_reverse_name_comes_and_goes_with_the_addresses_below_it() -> None:
    cluster = index()
    asked = room(cluster)

    def exists(name: str) -> bool:
        return answer(asked, f"{name}.in-addr.arpa", "PTR").rcode == Rcode.NOERROR

    assert (exists("0.1.10"), exists("7.10"), exists("1.1.10")) == (True, False, False)
    vip = Service("shop", "vip", ServiceKind.CLUSTER_IP, ("10.7.0.1",), (HTTP,))
    cluster.apply([vip])
    assert (exists("7.10"), exists("0.7.10"), exists("1.7.10")) == (True, True, False)
    cluster.apply((), [ObjectKey(Kind.ENDPOINT_SLICE, "shop", "web-1"), key_of(vip)])
    assert (exists("0.1.10"), exists("7.10")) == (True, False)
    cluster.apply((), [ObjectKey(Kind.ENDPOINT_SLICE, "shop", "db-1")])
    assert not exists("0.1.10")
    cluster.apply([DB_SLICE])
    assert exists("0.1.10")
    cluster.apply((), [ObjectKey(Kind.NAMESPACE, "", "shop")])
    assert not exists("0.1.10")
