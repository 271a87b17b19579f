from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.corefile.values import duration, size
from dnspolicy.corefile.zones import zones
from dnspolicy.model.errors import BadName


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0), ("5", 5.0), ("1.5", 1.5), ("5s", 5.0), ("20ms", 0.02), ("1m30s", 90.0), ("1h", 3600.0),
        ("1.5h", 5400.0), (".5s", 0.5), ("100us", 1e-4), ("100µs", 1e-4), ("1ns", 1e-9), ("1h2m3s4ms", 3723.004),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "s", "5x", "5 s", "-1s", "5s3", "1e3", "inf", "nan", "9" * 400, "9" * 40 + "h", "٣s"]
)
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "count"), [("0", 0), ("512", 512), ("2k", 2048), ("2K", 2048), ("10M", 10 << 20), ("1g", 1 << 30)]
)
def test_sizes(text: str, count: int) -> None:
    assert size(text) == count


@pytest.mark.parametrize("text", ["", "k", "-1", "1.5k", "1T", "1kb", "9" * 30])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="size"):
        size(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".", ["."]),
        ("", ["."]),
        ("Example.ORG", ["example.org."]),
        ("*.example.org.", ["\\042.example.org."]),
        ("0/25.2.0.192.in-addr.arpa", ["0\\04725.2.0.192.in-addr.arpa."]),
        ("10.0.0.0/8", ["10.in-addr.arpa."]),
        ("10.1.2.3/8", ["10.in-addr.arpa."]),
        ("192.0.2.7/32", ["7.2.0.192.in-addr.arpa."]),
        ("0.0.0.0/0", ["in-addr.arpa."]),
        ("10.0.0.0/7", ["10.in-addr.arpa.", "11.in-addr.arpa."]),
        ("2001:db8::/32", ["8.b.d.0.1.0.0.2.ip6.arpa."]),
        ("2001:db8::/31", ["8.b.d.0.1.0.0.2.ip6.arpa.", "9.b.d.0.1.0.0.2.ip6.arpa."]),
    ],
)
def test_zones(text: str, expected: list[str]) -> None:
    assert [zone.dotted for zone in zones(text)] == expected


def test_a_network_between_octets_is_widened_to_many_zones() -> None:
    found = zones("10.0.0.0/17")
    assert len(found) == 128
    assert str(found[127]) == "127.0.10.in-addr.arpa"


@pytest.mark.parametrize("text", ["10.0.0.0/33", "1.2.3/8", "a..b", "a" * 64, "a b", "a{", "ä", "a\\999"])
def test_no_zones(text: str) -> None:
    with pytest.raises(BadName):
        zones(text)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (duration, size):
        try:
            assert math.isfinite(read(text))
        except ValueError:
            continue
    try:
        assert zones(text)
    except BadName:
        return
