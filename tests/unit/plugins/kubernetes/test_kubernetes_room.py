"""The room: when it answers, asks on, waits, or says that it cannot know."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc

import pytest
from kubernetes_help import (
    CLUSTER,
    HTTP,
    SHOP,
    WEB,
    answer,
    ask,
    index,
    rcode,
    room,
    saying,
)

from dnspolicy.chain.context import QueryContext
from dnspolicy.cluster.objects import Kind, Namespace, Service, ServiceKind
from dnspolicy.model.answer import Answer, Drop, EdeCode, ExtendedError, Freshness, Rests
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query, Via
from dnspolicy.model.rr import Class, Rcode, Record, Type
from dnspolicy.plugins.kubernetes import Config, Kubernetes
from dnspolicy.plugins.kubernetes.config import PodMode

WWW = Record(from_text("www.lab.test"), Type.A, 300, bytes((198, 51, 100, 7)))
FALLS = Config(manifests=".", fallthrough=())


def test_a_name_outside_of_the_zones_is_for_the_next_room() -> None:
    there = Answer(answer=(WWW,))
    assert ask(room(index()), "www.lab.test", then=saying(there)) is there


@pytest.mark.parametrize("qclass", [Class.CH, Class.HS, Class.ANY])
def test_other_classes_are_refused(qclass: Class) -> None:
    assert rcode(ask(room(index()), "web.shop.svc.cluster.local", qclass=qclass)) == "REFUSED"


@pytest.mark.parametrize("kind", ["AXFR", "IXFR"])
def test_zone_transfers_are_refused(kind: str) -> None:
    assert rcode(ask(room(index()), "cluster.local", kind)) == "REFUSED"


def test_an_incomplete_index_serves_what_it_has_and_asks_nobody_else() -> None:
    cluster = index(loaded=[kind for kind in Kind if kind is not Kind.ENDPOINT_SLICE])
    asked = room(cluster, FALLS)

    assert asked.not_ready() == "EndpointSlice not loaded yet"
    assert rcode(answer(asked, "web.shop.svc.cluster.local")) == "NOERROR"
    missed = answer(asked, "nosuch.shop.svc.cluster.local")
    assert rcode(missed) == "SERVFAIL"
    assert [error.code for error in missed.ede] == [EdeCode.NOT_READY]

    moved = cluster.apply((), loaded=[Kind.ENDPOINT_SLICE])
    assert missed.fresh.rests & moved
    assert asked.not_ready() is None
    assert rcode(answer(asked, "nosuch.shop.svc.cluster.local", then=saying(Answer(Rcode.NXDOMAIN)))) == "NXDOMAIN"


def test_an_alias_to_a_missing_name_is_unknown_while_the_index_is_incomplete() -> None:
    ghost = Service("shop", "ghost", ServiceKind.EXTERNAL_NAME, external_name="nosuch.shop.svc.cluster.local")
    asked = room(index((*CLUSTER, ghost), loaded=()), FALLS)
    assert rcode(answer(asked, "ghost.shop.svc.cluster.local")) == "SERVFAIL"


def test_what_falls_through_rests_on_the_name_not_being_here() -> None:
    cluster = index()
    found = answer(
        room(cluster, FALLS), "new.shop.svc.cluster.local", then=saying(Answer(answer=(WWW,), fresh=Freshness(60.0)))
    )
    assert found.answer == (WWW,)
    assert found.fresh.ttl == 60
    moved = cluster.apply([Service("shop", "new", ServiceKind.CLUSTER_IP, ("10.96.0.9",), (HTTP,))])
    assert found.fresh.rests & moved
    assert (Rests.SERIAL, "cluster") not in found.fresh.rests


def test_aging_records_that_fall_through_stay_reusable() -> None:
    aging = Answer(answer=(WWW,), fresh=Freshness(60.0, aged_since=3.0))
    found = answer(room(index(), FALLS), "new.shop.svc.cluster.local", then=saying(aging))
    assert (found.fresh.ttl, found.fresh.aged_since) == (60, 3)


def test_a_drop_that_falls_through_stays_one() -> None:
    drop = Drop("by policy")
    assert ask(room(index(), FALLS), "new.shop.svc.cluster.local", then=saying(drop)) is drop


def test_nodata_never_falls_through() -> None:
    assert rcode(ask(room(index(), FALLS), "web.shop.svc.cluster.local", "AAAA")) == "NOERROR"


def test_an_external_name_is_resolved_by_the_whole_server() -> None:
    seen: list[Query] = []
    there = Answer(answer=(WWW,), ra=True, tc=True, ede=(ExtendedError(3),), made_by="forward", upstream="192.0.2.1")
    found = answer(room(index()), "ext.shop.svc.cluster.local", resolve=saying(there, seen))

    assert [(str(q.name), str(q.asked), q.via) for q in seen] == [
        ("www.lab.test", "ext.shop.svc.cluster.local", Via.CNAME)
    ]
    assert [r.type for r in found.answer] == [Type.CNAME, Type.A]
    assert (found.aa, found.ra, found.tc, found.made_by, found.upstream) == (
        True,
        False,
        True,
        "kubernetes",
        "192.0.2.1",
    )
    assert found.ede == there.ede


@pytest.mark.parametrize("fields", [{"rotate": True}, {"ordered": True}], ids=lambda f: next(iter(f)))
def test_how_the_targets_addresses_are_served_is_kept_with_the_alias(fields: dict[str, bool]) -> None:
    there = Answer(answer=(WWW,), **fields)  # type: ignore[arg-type]
    found = answer(room(index()), "ext.shop.svc.cluster.local", resolve=saying(there))
    assert (found.rotate, found.ordered) == (there.rotate, there.ordered)


def test_an_alias_that_the_whole_server_resolved_is_no_fact_for_all_clients() -> None:
    outside = answer(room(index()), "ext.shop.svc.cluster.local", resolve=saying(Answer(answer=(WWW,))))
    inside = answer(room(index()), "inner.shop.svc.cluster.local")
    assert (outside.private, inside.private) == (True, False)


@pytest.mark.parametrize("code", [Rcode.NXDOMAIN, Rcode.SERVFAIL, Rcode.REFUSED])
def test_what_becomes_of_the_target_is_told(code: Rcode) -> None:
    soa = Record(from_text("lab.test"), Type.SOA, 60, b"\0" * 22)
    there = Answer(code, authority=(soa,), made_by="policy")
    found = answer(room(index()), "ext.shop.svc.cluster.local", resolve=saying(there))
    assert found.rcode == code
    assert [r.type for r in found.answer] == [Type.CNAME]
    assert found.authority == (soa,)


def test_a_target_nobody_serves_leaves_the_alias() -> None:
    found = answer(room(index()), "ext.shop.svc.cluster.local", resolve=saying(Answer(Rcode.REFUSED)))
    assert (rcode(found), len(found.answer)) == ("NOERROR", 1)


def test_a_dropped_target_drops_the_alias() -> None:
    drop = Drop("by policy")
    assert ask(room(index()), "ext.shop.svc.cluster.local", resolve=saying(drop)) is drop


def test_an_alias_to_the_inside_stays_inside() -> None:
    found = answer(room(index()), "inner.shop.svc.cluster.local")
    assert [(str(r.owner), r.type) for r in found.answer] == [
        ("inner.shop.svc.cluster.local", Type.CNAME),
        ("web.shop.svc.cluster.local", Type.A),
    ]
    assert {(Rests.SERVICE, "shop/inner"), (Rests.SERVICE, "shop/web")} <= found.fresh.rests


@pytest.mark.parametrize(("links", "follows"), [(11, True), (12, False)])
def test_chains_inside_are_bounded(links: int, follows: bool) -> None:
    targets = [f"hop{n + 1}.shop.svc.cluster.local" for n in range(links - 1)] + ["web.shop.svc.cluster.local"]
    hops = [Service("shop", f"hop{n}", ServiceKind.EXTERNAL_NAME, external_name=t) for n, t in enumerate(targets)]
    found = answer(room(index((*CLUSTER, *hops))), "hop0.shop.svc.cluster.local")
    assert rcode(found) == "NOERROR"
    assert len(found.answer) == (links + 1 if follows else 0)


@pytest.mark.parametrize(
    "text",
    ["203.0.113.9", "2001:db8::1", "a..b", f"{'x' * 64}.lab.test", ".", ""],
    ids=["IPv4", "IPv6", "empty label", "long label", "root", "empty"],
)
def test_an_external_name_that_is_none_does_not_exist(text: str) -> None:
    wrong = Service("shop", "wrong", ServiceKind.EXTERNAL_NAME, external_name=text)
    assert rcode(ask(room(index((*CLUSTER, wrong))), "wrong.shop.svc.cluster.local")) == "NXDOMAIN"


def test_how_a_missing_name_looks_is_told_to_others() -> None:
    asked = room(index())
    name = from_text("Web.shop.svc.Cluster.local")
    blocked = asked.nxdomain(Query(name, Type.A, name))
    assert blocked is not None
    missing = answer(asked, "Nosuch.shop.svc.Cluster.local")
    assert (blocked.rcode, blocked.aa, blocked.authority) == (missing.rcode, missing.aa, missing.authority)
    other = from_text("www.lab.test")
    assert asked.nxdomain(Query(other, Type.A, other)) is None


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param((b"a.b", b"shop", b"svc"), id="a dot in the service"),
        pytest.param((b"web", b"a.b", b"svc"), id="a dot in the namespace"),
        pytest.param((b"\0", b"shop", b"svc"), id="a NUL"),
        pytest.param((b"\xff\xfe", b"\xc3\xa9", b"svc"), id="bytes beyond ASCII"),
        pytest.param((b"shop/web", b"shop", b"svc"), id="a slash"),
        pytest.param((b"10-1-0-9%eth0", b"shop", b"pod"), id="a scope"),
        pytest.param((b"fe80--1%1", b"shop", b"pod"), id="a scope, IPv6"),
        pytest.param((b"-" * 63, b"shop", b"pod"), id="dashes"),
    ],
)
def test_labels_no_object_can_have(labels: tuple[bytes, ...]) -> None:
    dotted = Service("shop", "a.b", ServiceKind.CLUSTER_IP, ("10.96.0.7",), (HTTP,))
    elsewhere = Service("a.b", "web", ServiceKind.CLUSTER_IP, ("10.96.0.8",), (HTTP,))
    asked = room(index((*CLUSTER, dotted, elsewhere, Namespace("a.b"))), Config(manifests=".", pods=PodMode.INSECURE))
    wire = b"".join(bytes((len(label),)) + label for label in (*labels, b"cluster", b"local")) + b"\0"
    name = Name(wire, (*labels, b"cluster", b"local"))
    ctx = QueryContext("10.1.0.9", 4000, 0.0, 5.0, saying(Drop("unused")))
    assert rcode(asyncio.run(asked.handle(Query(name, Type.A, name), ctx, saying(Drop("unused"))))) == "NXDOMAIN"


def test_loopback_addresses_are_shown_only_where_there_are_no_others() -> None:
    def nameservers(*local: str) -> list[bytes]:
        return [r.rdata for r in answer(room(index(), local=local), "cluster.local", "NS").additional]

    assert nameservers("127.0.0.1", "192.0.2.53", "fe80::1%eth0") == [bytes((192, 0, 2, 53))]
    assert nameservers("127.0.0.1") == [bytes((127, 0, 0, 1))]
    assert nameservers() == []


def test_stop_forgets_and_no_longer_listens() -> None:
    cluster = index()
    asked = room(cluster)
    before = answer(asked, "web.shop.svc.cluster.local")
    asyncio.run(asked.stop())
    cluster.apply([Service("shop", "web", ServiceKind.CLUSTER_IP, ("10.96.0.77",), (HTTP,))])
    assert answer(asked, "web.shop.svc.cluster.local").answer != before.answer


def test_prepared_answers_are_the_same_object_until_something_moves() -> None:
    cluster = index()
    asked = room(cluster)
    first = answer(asked, "web.shop.svc.cluster.local")
    assert answer(asked, "web.shop.svc.cluster.local") is first
    cluster.apply([SHOP, WEB, Namespace("other")])
    assert answer(asked, "web.shop.svc.cluster.local") is first
    cluster.apply([Service("shop", "web", ServiceKind.CLUSTER_IP, ("10.96.0.77",), (HTTP,))])
    assert answer(asked, "web.shop.svc.cluster.local").answer[0].rdata == bytes((10, 96, 0, 77))


@pytest.mark.parametrize("kind", ["A", "SRV"])
def test_two_zones_do_not_share_answers(kind: str) -> None:
    zones = (from_text("cluster.local"), from_text("other.test"))
    asked = Kubernetes(Config(manifests="."), cluster=index(), zones=zones, local_addresses=())
    asyncio.run(asked.start())
    for zone in ("cluster.local", "other.test", "Other.test") * 2:
        found = answer(asked, f"web.shop.svc.{zone}", kind)
        tail = from_text(zone).wire
        assert [r.owner.wire.endswith(tail) for r in found.answer + found.additional] == [True] * (
            len(found.answer) + len(found.additional)
        )
        assert all(r.rdata.endswith(tail) for r in found.answer if kind == "SRV")


def test_names_that_strangers_make_up_are_not_kept() -> None:
    asked = room(index(), Config(manifests=".", pods=PodMode.INSECURE))

    def ask_many(first: int, count: int) -> None:
        for n in range(first, first + count):
            for name in ("x{}.shop.svc", "x{}.web.shop.svc", "web.ns{}.svc", "10-1-{}-1.shop.pod", "x{}"):
                ask(asked, f"{name.format(n)}.cluster.local")
            ask(asked, f"{n}.10.in-addr.arpa", "PTR")
            ask(asked, "web.shop.svc.cluster.local", f"TYPE{60000 + n}")

    ask_many(0, 20)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        ask_many(1000, 500)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 50_000
