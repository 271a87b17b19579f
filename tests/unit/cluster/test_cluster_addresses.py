"""Addresses in all the spellings in which they reach the index."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnspolicy.cluster.addresses import canonical, from_dashed, from_reverse, to_dashed
from dnspolicy.cluster.networks import Networks, around, contains, network
from dnspolicy.model.name import from_text

anything = st.ip_addresses()


def plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@settings(deadline=None)
@given(anything)
def test_all_spellings_are_one(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    text = canonical(str(address))

    assert ipaddress.ip_address(text) == plain(address)
    assert canonical(address.exploded.upper()) == text
    assert from_dashed(to_dashed(text).encode()) == text
    assert from_reverse(from_text(address.reverse_pointer).labels) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1.0.1", "10.1.0.1"),
        ("::ffff:10.1.0.1", "10.1.0.1"),
        ("::FFFF:a01:1", "10.1.0.1"),
        ("2001:DB8:0:0::01", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_canonical(text: str, expected: str) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize(
    "text", ["", "10.1", "10.1.0.01", "0x0a.1.0.1", "10.1.0.256", " 10.1.0.1", "::g", "x", "1\x00", "é"]
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IP address"):
        canonical(text)


@pytest.mark.parametrize(
    "label", [b"10.1.0.1", b"10-1-0", b"10-1-0-1-1", b"::1", b"fd00::1", b"", b"-", b"web", b"\xff", b"1-2-3-4%x"]
)
def test_no_dashed_addresses(label: bytes) -> None:
    assert from_dashed(label) is None


@pytest.mark.parametrize(
    "labels",
    [
        (b"1", b"0", b"1", b"::ffff:10", b"in-addr", b"arpa"),
        (b"01", b"0", b"1", b"10", b"in-addr", b"arpa"),
        (b"0", b"1", b"10", b"in-addr", b"arpa"),
        (b"1", b"1", b"0", b"1", b"10", b"in-addr", b"arpa"),
        (*([b"a"] * 8), *([b" "] * 24), b"ip6", b"arpa"),
        (*([b""] * 32), b"ip6", b"arpa"),
        (*([b"0"] * 31), b"ip6", b"arpa"),
        (*([b"0"] * 31), b"g", b"ip6", b"arpa"),
        (b"arpa",),
        (),
    ],
)
def test_no_reverse_names(labels: tuple[bytes, ...]) -> None:
    assert from_reverse(labels) is None


@settings(deadline=None)
@given(anything, st.integers(0, 128))
def test_networks_hold_what_lies_in_them(address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int) -> None:
    address = plain(address)
    length %= address.max_prefixlen + 1
    known = Networks()
    known.add([network(f"{address}/{length}")])
    space = ipaddress.ip_network((address, length), strict=False)

    for asked in (space.network_address, space.broadcast_address, address):
        if plain(asked) == asked:
            assert str(asked) in known
    for outside in (int(space.network_address) - 1, int(space.broadcast_address) + 1):
        if 0 <= outside < 2**address.max_prefixlen:
            stranger = type(address)(outside)
            assert plain(stranger) != stranger or str(stranger) not in known


def test_a_network_stays_while_anybody_holds_it() -> None:
    known = Networks()
    known.add([around("10.1.0.1"), around("10.1.0.2")])
    known.drop([around("10.1.0.1")])
    assert "10.1.9.9" in known
    known.drop([around("10.1.0.2")])
    assert "10.1.9.9" not in known
    assert known.known() == frozenset()


@pytest.mark.parametrize(
    "cidr", ["10.1.0.0", "10.1.0.0/", "10.1.0.0/33", "10.1.0.0/-1", "10.1.0.0/1²", "x/8", "fd00::/129"]
)
def test_no_networks(cidr: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        network(cidr)


def test_families_do_not_mix() -> None:
    assert contains([network("0.0.0.0/0")], "10.1.0.1")
    assert not contains([network("0.0.0.0/0")], "fd00::1")
