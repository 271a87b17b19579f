"""A small world of cluster objects and every question that can be asked of it."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.objects import (
    Endpoint,
    EndpointSlice,
    Kind,
    Namespace,
    Node,
    Object,
    ObjectKey,
    Pod,
    Port,
    Service,
    ServiceKind,
    key_of,
)
from dnspolicy.model.answer import Dependencies, Rests
from dnspolicy.model.identity import Identity
from dnspolicy.model.name import from_text
from dnspolicy.testing.clock import FakeClock

NAMESPACES = ("acorn", "birch")
SERVICES = ("web", "db")
PODS = ("web-0", "web-1", "db-0")
NODES = ("n1", "n2")
HELD = ("10.1.0.1", "10.1.0.2", "10.2.0.1", "fd00::1", "192.0.2.1")
"""Addresses that objects may hold."""
ASKED = (*HELD, "10.1.9.9", "10.2.9.9", "10.3.0.7", "fd00::99", "198.51.100.1")
"""Addresses that are asked about; some nobody ever holds."""
ZONES = tuple(map(from_text, ("cluster.local", "in-addr.arpa", "ip6.arpa")))

labels = st.sampled_from(({}, {"app": "web"}, {"app": "db"}))
ports = st.sampled_from(((), (Port("http", "tcp", 80),), (Port("", "udp", 53), Port("http", "tcp", 8080))))
addresses = st.lists(st.sampled_from(HELD), max_size=2, unique=True).map(tuple)
spaces = st.sampled_from(NAMESPACES)
endpoints = st.builds(
    Endpoint,
    st.sampled_from(HELD),
    st.just(True),
    st.sampled_from(("", "host-a", "web-0")),
    st.sampled_from(("", *PODS)),
    st.sampled_from(("", "n1")),
    st.sampled_from(("", "z1")),
)
objects: st.SearchStrategy[Object] = st.one_of(
    st.builds(Namespace, spaces, labels),
    st.builds(
        Node,
        st.sampled_from(NODES),
        addresses,
        labels,
        st.sampled_from((None, "z1", "z2")),
        st.sampled_from(((), ("10.1.0.0/24",), ("10.3.0.0/16", "fd00::/120"))),
    ),
    st.builds(
        Service,
        spaces,
        st.sampled_from(SERVICES),
        st.sampled_from(ServiceKind),
        addresses,
        ports,
        st.just("x.example"),
        labels,
    ),
    st.builds(
        EndpointSlice,
        spaces,
        st.sampled_from(("s1", "s2", "s3")),
        st.sampled_from(("", *SERVICES)),
        st.lists(endpoints, max_size=3).map(tuple),
        ports,
        labels,
    ),
    st.builds(
        Pod,
        spaces,
        st.sampled_from(PODS),
        st.sampled_from(("u1", "u2")),
        addresses,
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.sampled_from((0.0, 1.0)),
        labels,
        st.sampled_from(("default", "robot")),
        st.sampled_from((None, *NODES)),
        st.none(),
    ),
)
SEED: tuple[Object, ...] = (
    Namespace("acorn", {"app": "web"}),
    Namespace("birch"),
    Node("n1", ("192.0.2.1",), {}, "z1"),
    Service("acorn", "web", ServiceKind.CLUSTER_IP, ("10.2.0.1",), (Port("http", "tcp", 80),)),
    Service("acorn", "db", ServiceKind.HEADLESS),
    EndpointSlice("acorn", "s1", "web", (Endpoint("10.1.0.1", pod="web-0"), Endpoint("10.1.0.2", pod="web-1"))),
    EndpointSlice("acorn", "s2", "db", (Endpoint("10.1.0.1", pod="web-0"), Endpoint("fd00::1", pod="web-0"))),
    Pod("acorn", "web-0", "u1", ("10.1.0.1", "fd00::1"), labels={"app": "web"}, node="n1"),
    Pod("acorn", "web-1", "u2", ("10.1.0.2",), labels={"app": "web"}, node="n1"),
    Pod("birch", "web-0", "u3", ("192.0.2.1",), host_network=True, node="n1"),
)
"""A sound cluster, from which one step leads to most of what matters."""

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "labels": labels,
    "addresses": addresses,
    "ports": ports,
    "zone": st.sampled_from((None, "z1", "z2")),
    "networks": st.sampled_from(((), ("10.1.0.0/24",), ("10.3.0.0/16", "fd00::/120"))),
    "kind": st.sampled_from(ServiceKind),
    "service": st.sampled_from(("", *SERVICES)),
    "endpoints": st.lists(endpoints, max_size=3).map(tuple),
    "uid": st.sampled_from(("u1", "u9")),
    "host_network": st.booleans(),
    "finished": st.booleans(),
    "leaving": st.booleans(),
    "started": st.sampled_from((0.0, 1.0)),
    "service_account": st.sampled_from(("default", "robot")),
    "node": st.sampled_from((None, *NODES)),
}


@st.composite
def edited(draw: st.DrawFn) -> Object:
    """One of the seed with one field set anew."""
    item = draw(st.sampled_from(SEED))
    field = draw(st.sampled_from([name for name in item.__struct_fields__ if name in FIELDS]))
    return msgspec.structs.replace(item, **{field: draw(FIELDS[field])})


some = st.one_of(edited(), edited(), objects)
keys = st.one_of(st.sampled_from(SEED), objects).map(key_of)
Step = tuple[list[Object], list[ObjectKey], bool]
changes: st.SearchStrategy[Step] = st.tuples(st.lists(some, max_size=3), st.lists(keys, max_size=2), st.booleans())
"""What is changed, what is removed, and whether a second of wall time passes before."""


class Answer(msgspec.Struct):
    """What a question read as, and on which dependencies that rests: one of them must move when it changes."""

    value: object
    rests: Dependencies


def index_of(items: list[Object], loaded: bool = True) -> Index:
    index = Index(FakeClock(), Metrics())
    index.apply(items, (), tuple(Kind) if loaded else ())
    return index


def facts(identity: Identity) -> tuple[Any, ...]:
    return msgspec.structs.astuple(identity)


def read(index: Index) -> dict[str, Answer]:
    """Every question of the small world, answered."""
    answers: dict[str, Answer] = {}
    for name in NAMESPACES:
        answers[f"namespace {name}"] = Answer(index.namespace(name), frozenset(((Rests.NAMESPACE, name),)))
        for service in SERVICES:
            rests = frozenset(((Rests.SERVICE, f"{name}/{service}"),))
            answers[f"service {name}/{service}"] = Answer(index.service(name, service), rests)
            answers[f"slices {name}/{service}"] = Answer(index.slices(name, service), rests)
    for address in ASKED:
        rests = frozenset(((Rests.IP, address),))
        places = [(s.namespace, s.name, s.service, s.labels, e) for s, e in index.endpoints_at(address)]
        answers[f"services at {address}"] = Answer(index.services_at(address), rests)
        answers[f"endpoints at {address}"] = Answer(places, rests)
        answers[f"holders of {address}"] = Answer(index.holders_at(address), rests)
        answers[f"pods at {address}"] = Answer(index.pods_at(address), rests)
        answers[f"holders of {address}"] = Answer(index.holders_at(address), rests)
        answers[f"who is {address}"] = Answer(facts(index.identify(address)), rests)
    for text in names():
        for full in (False, True):
            found = index.targets(from_text(text), ZONES, full)
            rests = frozenset(rest for target in found for rest in target.rests)
            values = [msgspec.structs.astuple(target) for target in found]
            answers[f"targets of {text}, {full}"] = Answer(values, rests)
    return answers


def names() -> list[str]:
    found = ["cluster.local", "svc.cluster.local", "a.b.c.d.acorn.svc.cluster.local", "www.example"]
    found += [reverse(address) for address in ASKED]
    for space in NAMESPACES:
        found.append(f"{space}.svc.cluster.local")
        found += [f"{address.replace('.', '-').replace(':', '-')}.{space}.pod.cluster.local" for address in ASKED]
        for service in SERVICES:
            base = f"{service}.{space}.svc.cluster.local"
            found += [base, f"_http._tcp.{base}", f"host-a.{base}", f"web-0.{base}", f"10-1-0-1.{base}"]
    return found


def reverse(address: str) -> str:
    if ":" not in address:
        return ".".join(reversed(address.split("."))) + ".in-addr.arpa"
    left, _, right = address.partition("::")
    head, tail = (
        [part.zfill(4) for part in left.split(":") if part],
        [part.zfill(4) for part in right.split(":") if part],
    )
    digits = "".join(head) + "0000" * (8 - len(head) - len(tail)) + "".join(tail)
    return ".".join(reversed(digits)) + ".ip6.arpa"


def without(items: dict[ObjectKey, Object], changed: list[Object], removed: list[ObjectKey]) -> dict[ObjectKey, Object]:
    """The objects after a change."""
    left = {key: item for key, item in items.items() if key not in removed}
    return {**left, **{key_of(item): item for item in changed}}
