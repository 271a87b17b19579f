"""Response policy zones."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.feeds.failures import FeedFailure
from dnspolicy.feeds.formats import parse
from dnspolicy.policy.settings.feeds import DataFormat

HEAD = "$TTL 300\n@ SOA ns.example. hostmaster.example. 7 3600 900 86400 300\n  NS localhost.\n"


def zone(text: str, head: str = HEAD) -> Any:
    return json.loads(parse(DataFormat.RPZ, (head + text).encode(), "zone")[0])


ACTIONS = {
    "nxdomain": ("a.example CNAME .", "nxdomain"),
    "nodata": ("a.example CNAME *.", "nodata"),
    "passthru": ("a.example CNAME rpz-passthru.", "passthru"),
    "passthru as it was": ("a.example CNAME a.example.", "passthru"),
    "drop": ("a.example CNAME rpz-drop.", "drop"),
    "tcp only": ("a.example CNAME rpz-tcp-only.", "tcp_only"),
    "an alias": ("a.example CNAME garden.example.", "local"),
    "an address": ("a.example A 192.0.2.1", "local"),
    "class and ttl": ("a.example 60 IN CNAME .", "nxdomain"),
    "a ttl of many parts": ("a.example 1W2d3H4m5 CNAME .", "nxdomain"),
    "ttl and class": ("a.example IN 1h30m CNAME .", "nxdomain"),
    "capitals": ("A.EXAMPLE cname RPZ-DROP.", "drop"),
    "brackets": ("a.example (\n CNAME ; why\n . )", "nxdomain"),
    "twice the same": ("a.example CNAME .\na.example CNAME .", "nxdomain"),
}


@pytest.mark.parametrize(("text", "action"), ACTIONS.values(), ids=ACTIONS)
def test_actions(text: str, action: str) -> None:
    assert zone(text)["names"] == {"a.example": action}


TRIGGERS: dict[str, tuple[str, str, Any]] = {
    "a name": ("a.example", "names", {"a.example": "drop"}),
    "a wildcard": ("*.a.example", "wildcards", {"a.example": "drop"}),
    "everything": ("*", "wildcards", {".": "drop"}),
    "a client": ("32.1.2.0.192.rpz-client-ip", "client_ips", {"hosts": {"192.0.2.1": "drop"}, "networks": []}),
    "clients": (
        "24.0.2.0.192.rpz-client-ip",
        "client_ips",
        {"hosts": {}, "networks": [{"cidr": "192.0.2.0/24", "action": "drop"}]},
    ),
    "an answer": ("128.1.zz.db8.2001.rpz-ip", "response_ips", {"hosts": {"2001:db8::1": "drop"}, "networks": []}),
    "answers": (
        "48.zz.2.db8.2001.rpz-ip",
        "response_ips",
        {"hosts": {}, "networks": [{"cidr": "2001:db8:2::/48", "action": "drop"}]},
    ),
    "all of IPv6": ("0.zz.rpz-ip", "response_ips", {"hosts": {}, "networks": [{"cidr": "::/0", "action": "drop"}]}),
    "a full IPv6": (
        "128.8.7.6.5.4.3.2.1.rpz-ip",
        "response_ips",
        {"hosts": {"1:2:3:4:5:6:7:8": "drop"}, "networks": []},
    ),
    "loopback": ("128.1.zz.rpz-ip", "response_ips", {"hosts": {"::1": "drop"}, "networks": []}),
    "a name server": ("ns.example.rpz-nsdname", "not_enforced", {"nsip": 0, "nsdname": 1}),
    "its address": ("32.1.2.0.192.rpz-nsip", "not_enforced", {"nsip": 1, "nsdname": 0}),
}


@pytest.mark.parametrize(("owner", "table", "found"), TRIGGERS.values(), ids=TRIGGERS)
def test_triggers(owner: str, table: str, found: Any) -> None:
    assert zone(f"{owner} CNAME rpz-drop.")[table] == found


def test_networks_have_the_longest_prefix_first() -> None:
    found = zone("8.0.0.0.10.rpz-ip CNAME .\n16.0.0.1.10.rpz-ip CNAME *.\n24.0.1.1.10.rpz-ip CNAME .")
    assert [network["cidr"] for network in found["response_ips"]["networks"]] == [
        "10.1.1.0/24",
        "10.1.0.0/16",
        "10.0.0.0/8",
    ]


def test_local_data() -> None:
    found = zone(
        "a A 192.0.2.1\na 60 AAAA 2001:DB8::0001\nb CNAME Garden.Example.\n"
        '*.c TXT "x; y" z\n*.d CNAME *.garden.example.'
    )
    assert found["records"]["names"] == {
        "a": [
            {"type": "A", "data": "192.0.2.1", "ttl": 300},
            {"type": "AAAA", "data": "2001:db8::1", "ttl": 60},
        ],
        "b": [{"type": "CNAME", "data": "garden.example", "ttl": 300}],
    }
    assert found["records"]["wildcards"] == {
        "c": [{"type": "TXT", "data": '"x; y" z', "ttl": 300}],
        "d": [{"type": "CNAME", "data": "*.garden.example", "ttl": 300}],
    }


@pytest.mark.parametrize(
    "text",
    [
        "$ORIGIN rpz.test.\n@ 60 IN SOA a. b. 7 1 1 1 1\nbad.example CNAME .\n",
        "rpz.test. SOA a. b. 7 1 1 1 1\nbad.example.rpz.test. CNAME .\n",
        "$ORIGIN test.\nrpz SOA a. b. 7 1 1 1 1\n$ORIGIN example.rpz.test.\nbad CNAME .\n",
        "@ SOA a. b. ( 7 1 1\n 1 1 )\nbad.example CNAME .\n",
    ],
    ids=["origin", "absolute", "two origins", "no origin"],
)
def test_zones_have_names_of_their_own(text: str) -> None:
    found, revision = parse(DataFormat.RPZ, text.encode(), "zone")
    assert (json.loads(found)["names"], json.loads(found)["serial"], revision) == ({"bad.example": "nxdomain"}, 7, "7")


def test_an_owner_is_said_once_and_signatures_do_not_count() -> None:
    found = zone("a A 192.0.2.1\n  AAAA ::1\n  RRSIG A 13 2 300 1 2 3 example. abc=\n")
    assert [record["type"] for record in found["records"]["names"]["a"]] == ["A", "AAAA"]


BAD = {
    "nothing": ("\n", "", "no SOA record"),
    "no SOA": ("a CNAME .", "", "zone:1: a zone begins with its SOA"),
    "a second SOA": ("@ SOA a. b. 1 2 3 4 5", HEAD, "zone:4: a second SOA"),
    "a short SOA": ("", "@ SOA a. b. 1\n", "zone:1: a SOA record takes"),
    "a serial that is too large": ("", "@ SOA a. b. 4294967296 1 1 1 1\n", "zone:1: a SOA record takes"),
    "outside": ("a.other. CNAME .", "$ORIGIN rpz.test.\n@ SOA a. b. 1 1 1 1 1\n", "zone:3: a.other is outside"),
    "two actions": ("a CNAME .\na CNAME *.", HEAD, "zone:5: a has another action already"),
    "an action and data": ("a CNAME .\na A 192.0.2.1", HEAD, "zone:5: a has another action already"),
    "an alias and data": ("a CNAME b.\na A 192.0.2.1", HEAD, "zone:5: a has another action already"),
    "an unknown action": ("a CNAME rpz-explode.", HEAD, "zone:4: rpz-explode is no action"),
    "no address": ("a A 192.0.2", HEAD, "zone:4: '192.0.2' is no address for A"),
    "no network": ("33.1.2.0.192.rpz-ip CNAME .", HEAD, "zone:4: .* is no network"),
    "bits beyond the prefix": ("24.1.2.0.192.rpz-ip CNAME .", HEAD, "zone:4: .* is no network"),
    "no type": ("a 300 IN", HEAD, "zone:4: a record without type or data"),
    "an alias to two": ("a CNAME b. c.", HEAD, "zone:4: an alias has one target"),
    "another class": ("a CH CNAME .", HEAD, "zone:4: a class other than IN"),
    "an open bracket": ("a ( CNAME\n.\n", HEAD, "zone:4: a bracket that is not closed"),
    "a closed bracket": ("a CNAME . )", HEAD, "zone:4: a bracket is closed"),
    "an include": ("$INCLUDE /etc/passwd", HEAD, "zone:4: .*INCLUDE is not understood"),
    "an open quote": ('a TXT "x', HEAD, "zone:4: .* is not understood"),
    "data at the apex": ("@ A 192.0.2.1", HEAD, "zone:4: A at the apex"),
    "an owner that is no name": (f"{'x' * 64} CNAME .", HEAD, "zone:4: .*63 bytes"),
    "a long number for a TTL": (f"a {'1' * 60}x CNAME .", HEAD, "zone:4: a record without type or data"),
    "many numbers for a TTL": (f"a {'1' * 60_000} CNAME .", HEAD, "zone:4: a record without type or data"),
    "a long serial": ("", f"@ SOA a. b. {'1' * 5_000} 1 1 1 1\n", "zone:1: a SOA record takes"),
    "stars without end": ("*." * 20_000 + "a CNAME .", HEAD, "zone:4: a name that is too long"),
    "nobody's record": ("", "  A 192.0.2.1\n", "zone:1: a record without an owner"),
}


@pytest.mark.parametrize(("text", "head", "problem"), BAD.values(), ids=BAD)
def test_what_is_refused_is_named_with_its_line(text: str, head: str, problem: str) -> None:
    with pytest.raises(FeedFailure, match=problem):
        zone(text, head)


words = st.sampled_from(
    ["a", "*.b", "@", "$ORIGIN", "$TTL", "x.", "CNAME", "A", "AAAA", "TXT", "SOA", "IN", "300", ".", "*.", "rpz-drop.",
     "192.0.2.1", "::1", '"q"', "(", ")", ";", "\\", "\\065", "24.0.2.0.192.rpz-ip", "rpz-ip", "zz.rpz-ip", "\n",
     " ", '"']
)  # fmt: skip


@given(st.lists(words, max_size=40), st.booleans())
def test_no_zone_breaks_the_reader(parts: list[str], joined: bool) -> None:
    with contextlib.suppress(FeedFailure):
        zone(("" if joined else " ").join(parts))


names = st.lists(st.from_regex(r"[a-z0-9_][a-z0-9_-]{0,10}", fullmatch=True), min_size=1, max_size=4).map(".".join)


@given(st.dictionaries(names, st.sampled_from([".", "*.", "rpz-drop.", "rpz-passthru."]), max_size=20))
def test_what_is_written_is_read(actions: dict[str, str]) -> None:
    known = {".": "nxdomain", "*.": "nodata", "rpz-drop.": "drop", "rpz-passthru.": "passthru"}
    wanted = {name: action for name, action in actions.items() if not name.endswith(("rpz-ip", "rpz-nsip"))}
    found = zone("".join(f"{name} CNAME {action}\n*.{name} CNAME {action}\n" for name, action in wanted.items()))
    expected = {name: known[action] for name, action in wanted.items()}
    assert (found["names"], found["wildcards"]) == (expected, expected)
