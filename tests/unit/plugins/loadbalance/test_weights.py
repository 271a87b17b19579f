"""The file of weights."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dnspolicy.plugins.loadbalance.weights import MOST_WEIGHT, read_text

WWW, API = (b"www", b"test"), (b"api", b"test")
ONE, TWO = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("# all\n\nwww.test\n192.0.2.1 3\n192.0.2.2 255\n", {WWW: {ONE: 3, TWO: 255}}, id="a name"),
        pytest.param("WWW.test.\n192.0.2.1 3", {WWW: {ONE: 3}}, id="letters and the final dot do not count"),
        pytest.param("www.test\n192.0.2.1 3\napi.test\n192.0.2.1 4", {WWW: {ONE: 3}, API: {ONE: 4}}, id="two names"),
        pytest.param(
            "www.test\n192.0.2.1 3\napi.test\nwww.test\n192.0.2.2 4", {WWW: {ONE: 3, TWO: 4}, API: {}}, id="again"
        ),
        pytest.param("www.test\n192.0.2.1 3\n192.0.2.1 9", {WWW: {ONE: 3}}, id="the first of an address counts"),
        pytest.param("  www.test \r\n\t192.0.2.1\t3\r\n  # x\r\n", {WWW: {ONE: 3}}, id="white space"),
        pytest.param("www.test\n2001:db8::1 3", {WWW: {bytes.fromhex("20010db8" + "0" * 23 + "1"): 3}}, id="IPv6"),
        pytest.param("www.test\n::ffff:192.0.2.1 3", {WWW: {ONE: 3}}, id="IPv4 in IPv6"),
    ],
)
def test_what_it_says(text: str, want: object) -> None:
    assert read_text(text) == want


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("192.0.2.1 3", "line 1: '192.0.2.1' stands below no name"),
        ("www.test\n192.0.2.1", "line 2: '192.0.2.1' lacks its weight"),
        ("www.test\nwww.test 3", "line 2: 'www.test' is not an IP address"),
        ("www.test\n192.0.2.1 0", "line 2: '0' is not a weight"),
        ("www.test\n192.0.2.1 256", "line 2: '256' is not a weight"),
        ("www.test\n192.0.2.1 -1", "line 2: '-1' is not a weight"),
        ("www.test\n192.0.2.1 ٣", "line 2: '٣' is not a weight"),
        ("www.test\n192.0.2.1 3 # x", "line 2: '#' is one word too many"),
        ("\n\nwww..test", "line 3: 'www..test'"),
    ],
)
def test_what_is_none(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"^{complaint}"):
        read_text(text)


@given(st.text(alphabet=st.sampled_from("w.1:2# \n\t\\é0")))
@example("a" * 64)
@example("1" * 5000 + " 1")
@example("www.test\n192.0.2.1 " + "9" * 5000)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read_text(text)
    except ValueError:
        return
    assert all(1 <= weight <= MOST_WEIGHT for weights in found.values() for weight in weights.values())
