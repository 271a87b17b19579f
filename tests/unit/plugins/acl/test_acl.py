"""What becomes of a query, and that many networks are found as ipaddress finds them."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics, ServerLabels
from dnspolicy.cluster.addresses import packed
from dnspolicy.model.answer import Answer, Drop, Reply
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, type_number
from dnspolicy.plugins.acl import Acl, Config
from dnspolicy.plugins.acl.networks import Networks

BELOW = Answer(made_by="below")
ROOT = (from_text("."),)


def room(*lists: str, metrics: Metrics | None = None) -> Acl:
    """Each list is `ZONES: LINE; LINE`."""
    made = []
    for text in lists:
        zones, _, lines = text.rpartition(": ")
        config = Config(lines=tuple(tuple(line.split()) for line in lines.split(";")))
        made.append((config, tuple(map(from_text, zones.split())) or ROOT))
    return Acl(made, metrics=metrics or Metrics(), labels=ServerLabels("dns://:53", ".", "inside"))


async def below(query: Query, ctx: QueryContext) -> Reply:
    return BELOW


def ask(acl: Acl, source: str, name: str = "www.example.org", qtype: str = "A") -> str:
    """`allow`, `drop`, or the rcode and the extended error."""
    ctx = QueryContext(source, 1, 0.0, 5.0, below)
    asked = from_text(name)
    reply = asyncio.run(acl.handle(Query(asked, type_number(qtype), asked), ctx, below))
    if isinstance(reply, Drop):
        return "drop"
    if reply is BELOW:
        return "allow"
    assert not reply.answer + reply.authority
    assert reply.made_by == "acl"
    return f"{Rcode(reply.rcode).name} {reply.ede[0].code}"


LAB = (
    "w3.lab.test: block",
    "lab.test: allow type A net 10.244.5.1/32; block type A net 10.244.5.2/32; filter type A net 10.244.5.9/32;"
    " drop type A net 192.168.0.11/32; filter type AAAA net *",
)


@pytest.mark.parametrize(
    ("lists", "question", "result"),
    [
        pytest.param(LAB, ("10.244.5.1", "www.lab.test"), "allow", id="U001"),
        pytest.param(LAB, ("10.244.5.9", "www.lab.test"), "NOERROR 17", id="U003"),
        pytest.param(LAB, ("10.244.5.1", "w3.lab.test"), "REFUSED 15", id="U005"),
        pytest.param(LAB, ("10.244.5.2", "www.lab.test"), "REFUSED 15", id="block"),
        pytest.param(LAB, ("192.168.0.11", "www.lab.test"), "drop", id="drop"),
        pytest.param(LAB, ("10.244.5.1", "www.lab.test", "AAAA"), "NOERROR 17", id="filter a type for all"),
        pytest.param(LAB, ("10.244.5.2", "www.lab.test", "TXT"), "allow", id="no line matches"),
        pytest.param(LAB, ("10.244.5.2", "www.other.test"), "allow", id="another zone"),
        pytest.param(("allow net 10.0.0.0/8; block",), ("10.1.2.3",), "allow", id="only these"),
        pytest.param(("allow net 10.0.0.0/8; block",), ("11.1.2.3",), "REFUSED 15", id="nobody else"),
        pytest.param(("allow net 10.0.0.0/8", "block"), ("10.1.2.3",), "allow", id="allow ends all checks"),
        pytest.param(("block net 10.0.0.0/8", "allow"), ("10.1.2.3",), "REFUSED 15", id="so does block"),
        pytest.param(("filter type TXT", "block"), ("10.1.2.3",), "REFUSED 15", id="no match asks the next"),
        pytest.param(("block net 10.1.2.3",), ("10.1.2.3",), "REFUSED 15", id="one address"),
        pytest.param(("block net 10.1.2.3",), ("10.1.2.4",), "allow", id="its neighbour"),
        pytest.param(("block net 10.1.2.3/8",), ("10.9.9.9",), "REFUSED 15", id="host bits do not count"),
        pytest.param(("block net 2001:db8::/32",), ("2001:db8::1",), "REFUSED 15", id="IPv6"),
        pytest.param(("block net 2001:db8::1",), ("2001:db8::1%eth0",), "REFUSED 15", id="IPv6 with a scope"),
        pytest.param(("block net ::/0",), ("10.0.0.1",), "allow", id="no IPv4 address is in IPv6"),
        pytest.param(("block net 10.0.0.0/8",), ("::ffff:10.0.0.1",), "REFUSED 15", id="IPv4 in IPv6 form"),
        pytest.param(("block net ::ffff:10.0.0.0/104",), ("10.0.0.1",), "REFUSED 15", id="a network in IPv6 form"),
        pytest.param(("block net *",), ("2001:db8::1",), "REFUSED 15", id="all addresses"),
        pytest.param(("block net 10.0.0.0/8 *",), ("11.0.0.1",), "REFUSED 15", id="one and all"),
        pytest.param(("block type A *",), ("11.0.0.1", "a.test", "MX"), "REFUSED 15", id="all types"),
        pytest.param(("block type a type mx",), ("11.0.0.1", "a.test", "MX"), "REFUSED 15", id="type twice"),
        pytest.param(("BLOCK TYPE TYPE1 NET 10.0.0.0/8",), ("10.0.0.1",), "REFUSED 15", id="capitals"),
        pytest.param(("block net 10.0.0.0/8 type A",), ("10.0.0.1",), "REFUSED 15", id="net before type"),
        pytest.param(("block net 10.0.0.0/8",), ("nonsense",), "REFUSED 15", id="no address at all"),
        pytest.param(("a.test: block net 10.0.0.0/8",), ("nonsense",), "allow", id="no address, no zone"),
        pytest.param(("a.test: block",), ("10.0.0.1", "A.Test"), "REFUSED 15", id="letters do not count"),
    ],
)  # fmt: skip
def test_judges(lists: tuple[str, ...], question: tuple[str, ...], result: str) -> None:
    assert ask(room(*lists), *question) == result


def test_counts_by_zone_of_the_directive() -> None:
    metrics = Metrics()
    acl = room("lab.test sub.lab.test: block type A; filter type TXT; drop type MX", ".: allow", metrics=metrics)
    for name, qtype in (("a.sub.lab.test", "A"), ("a.lab.test", "TXT"), ("a.lab.test", "MX"), ("a.test", "A")):
        ask(acl, "10.0.0.1", name, qtype)
    found = {metric.name: getattr(metric, "values", None) for metric in metrics.collect()}
    assert found == {
        "coredns_acl_blocked_requests_total": {("dns://:53", "sub.lab.test.", "inside"): 1},
        "coredns_acl_filtered_requests_total": {("dns://:53", "lab.test.", "inside"): 1},
        "coredns_acl_dropped_requests_total": {("dns://:53", "lab.test.", "inside"): 1},
        "coredns_acl_allowed_requests_total": {("dns://:53", "inside"): 1},
    }


@pytest.mark.parametrize(
    ("line", "reads"),
    [
        pytest.param("block type A", set(), id="types"),
        pytest.param("block type A net *", set(), id="all networks"),
        pytest.param("block net 10.0.0.0/8", {("ip",)}, id="networks"),
    ],
)
def test_reads_addresses_only_when_a_line_names_one(line: str, reads: set[tuple[str]]) -> None:
    assert room("filter type TXT", line).reads == reads


@pytest.mark.parametrize(
    ("line", "word"),
    [
        pytest.param("refuse net 10.0.0.0/8", "refuse", id="action"),
        pytest.param("block from 10.0.0.0/8", "from", id="section"),
        pytest.param("block type", "type", id="no type"),
        pytest.param("block net type A", "net", id="no network"),
        pytest.param("block type BOGUS", "BOGUS", id="type"),
        pytest.param("block net 10.0.0.0/33", "10.0.0.0/33", id="network"),
        pytest.param("block net example.org", "example.org", id="name"),
    ],
)
def test_complaints_quote_the_word(line: str, word: str) -> None:
    with pytest.raises(ValueError, match=repr(word)):
        Config(lines=(tuple(line.split()),))


networks = st.lists(st.ip_addresses().flatmap(
    lambda ip: st.integers(0, ip.max_prefixlen).map(lambda size: ip_network((ip, size), strict=False))
), max_size=20)  # fmt: skip


@given(networks, st.data())
def test_networks_are_found_as_by_looking_at_each(nets: list, data: st.DataObject) -> None:  # type: ignore[type-arg]
    edges = [ip for net in nets for ip in (net[0], net[-1])]
    near = st.sampled_from(edges or [ip_address("10.0.0.1")]).flatmap(
        lambda ip: st.integers(-1, 1).map(lambda step: type(ip)(max(0, min(int(ip) + step, 2**ip.max_prefixlen - 1))))
    )
    address = data.draw(st.one_of(st.ip_addresses(), near))
    assert Networks(nets).hold(address.packed) == any(address in net for net in nets)


def test_ten_thousand_networks() -> None:
    nets = " ".join(f"10.{n >> 8}.{n & 255}.0/25" for n in range(10_000))
    acl = room(f"block net {nets}")
    assert ask(acl, "10.39.15.127") == "REFUSED 15"
    assert ask(acl, "10.39.15.128") == "allow"
    assert not Networks(()).hold(packed("10.0.0.1"))


def test_queries_outside_of_all_zones_are_counted_as_allowed() -> None:
    metrics = Metrics()
    acl = room("w3.lab.test: block", "other.test: block", metrics=metrics)
    assert acl.concerns is not None
    told = [acl.concerns(Query(from_text(name), 1, from_text(name))) for name in ("a.org", "lab.test", "x.w3.lab.test")]
    assert told == [False, False, True]
    assert metrics.counter("coredns_acl_allowed_requests_total", "").values == {("dns://:53", "inside"): 2.0}
