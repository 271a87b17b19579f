from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.model.answer import Answer, ExtendedError, Freshness, Rests
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Via
from dnspolicy.model.rr import Rcode
from tests.unit.plugins.file.zone_help import DENIAL, NEXT, NS, SOA, Room, shown

E = "example.test"
WWW = f"www.{E} 60 A 10.0.0.2"
CUT = [f"sub.{E} 300 NS ns.sub.{E}.", f"sub.{E} 300 NS ns1.{E}."]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Room:
    return Room(tmp_path_factory.mktemp("zone"))


@pytest.mark.parametrize(
    ("name", "qtype", "rcode", "answer", "authority", "additional"),
    [
        pytest.param("www", "A", 0, [WWW], NS, [], id="there"),
        pytest.param("www", "AAAA", 0, [], [DENIAL], [], id="no-such-type"),
        pytest.param("nothere", "A", 3, [], [DENIAL], [], id="no-such-name"),
        pytest.param("a.www", "A", 3, [], [DENIAL], [], id="below-a-name"),
        pytest.param("", "SOA", 0, [SOA], NS, [], id="soa"),
        pytest.param("", "NS", 0, NS, [], [f"ns1.{E} 300 A 10.0.0.1", f"ns1.{E} 300 AAAA fd00::1"], id="ns"),
        pytest.param(
            "mail", "MX", 0, [f"mail.{E} 300 MX 10 www.{E}.", f"mail.{E} 300 MX 20 mx.out.test."], NS, [WWW], id="mx"
        ),
        pytest.param("_sip._tcp", "SRV", 0, [f"_sip._tcp.{E} 300 SRV 0 5 5060 www.{E}."], NS, [WWW], id="srv"),
        pytest.param("_tcp", "SRV", 0, [], [DENIAL], [], id="names-below"),
        pytest.param("c.ent", "A", 0, [], [DENIAL], [], id="names-far-below"),
        pytest.param("x.ent", "A", 3, [], [DENIAL], [], id="beside-names-below"),
        pytest.param("x.wild", "A", 0, [f"x.wild.{E} 300 A 10.1.1.1"], NS, [], id="wildcard"),
        pytest.param("x.y.wild", "A", 0, [f"x.y.wild.{E} 300 A 10.1.1.1"], NS, [], id="wildcard-deeper"),
        pytest.param("x.wild", "TXT", 0, [], [DENIAL], [], id="wildcard-without-the-type"),
        pytest.param("x.real.wild", "A", 3, [], [DENIAL], [], id="below-a-name-beside-a-wildcard"),
        pytest.param("*.wild", "A", 0, [f"\\042.wild.{E} 300 A 10.1.1.1"], NS, [], id="the-wildcard-itself"),
        pytest.param(
            "q.went.deep", "A", 0, [f"q.went.deep.{E} 300 A 10.3.3.3"], NS, [], id="wildcard-below-no-records"
        ),
        pytest.param("q.deep", "A", 3, [], [DENIAL], [], id="above-a-wildcard"),
        pytest.param("alias", "A", 0, [f"alias.{E} 300 CNAME www.{E}.", WWW], NS, [], id="alias"),
        pytest.param("alias", "CNAME", 0, [f"alias.{E} 300 CNAME www.{E}."], NS, [], id="the-alias-itself"),
        pytest.param("alias", "MX", 0, [f"alias.{E} 300 CNAME www.{E}."], [DENIAL], [], id="alias-without-the-type"),
        pytest.param(
            "chain",
            "A",
            0,
            [f"chain.{E} 300 CNAME alias.{E}.", f"alias.{E} 300 CNAME www.{E}.", WWW],
            NS,
            [],
            id="two-aliases",
        ),
        pytest.param("z.cwild", "A", 0, [f"z.cwild.{E} 300 CNAME www.{E}.", WWW], NS, [], id="wildcard-alias"),
        pytest.param("gone", "A", 3, [f"gone.{E} 300 CNAME nothere.{E}."], [DENIAL], [], id="alias-to-nothing"),
        pytest.param("loop1", "A", 2, [], [], [], id="circle"),
        pytest.param("self", "A", 2, [], [], [], id="alias-to-itself"),
        pytest.param("sub", "A", 0, [], CUT, [f"ns.sub.{E} 300 A 10.4.4.4"], id="referral"),
        pytest.param("a.b.sub", "TXT", 0, [], CUT, [f"ns.sub.{E} 300 A 10.4.4.4"], id="referral-below"),
        pytest.param("ns.sub", "A", 0, [], CUT, [f"ns.sub.{E} 300 A 10.4.4.4"], id="glue-is-no-answer"),
        pytest.param(
            "sub",
            "DS",
            0,
            [f"sub.{E} 300 DS 1 8 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"],
            NS,
            [],
            id="ds-is-the-parents",
        ),
        pytest.param(
            "tosub",
            "A",
            0,
            [f"tosub.{E} 300 CNAME www.sub.{E}."],
            CUT,
            [f"ns.sub.{E} 300 A 10.4.4.4"],
            id="alias-below-a-cut",
        ),
        pytest.param("dnin", "DNAME", 0, [f"dnin.{E} 300 DNAME wild.{E}."], NS, [], id="dname"),
        pytest.param("dnin", "A", 0, [], [DENIAL], [], id="dname-has-no-address"),
        pytest.param(
            "x.dnin",
            "A",
            0,
            [f"dnin.{E} 300 DNAME wild.{E}.", f"x.dnin.{E} 300 CNAME x.wild.{E}.", f"x.wild.{E} 300 A 10.1.1.1"],
            NS,
            [],
            id="below-dname",
        ),
        pytest.param(
            "x.dnin",
            "CNAME",
            0,
            [f"dnin.{E} 300 DNAME wild.{E}.", f"x.dnin.{E} 300 CNAME x.wild.{E}."],
            NS,
            [],
            id="alias-made-by-dname",
        ),
        pytest.param("txt", "TXT", 0, [f'txt.{E} 300 TXT "a b; c","d"'], NS, [], id="quotes"),
        pytest.param("www", "ANY", 0, [WWW], NS, [], id="any"),
        pytest.param("www", "AXFR", 5, [], [], [], id="transfer-without-the-room"),
    ],
)
def test_answers(
    room: Room, name: str, qtype: str, rcode: int, answer: list[str], authority: list[str], additional: list[str]
) -> None:
    got = room.ask(f"{name}.{E}".lstrip("."), qtype)
    assert got.rcode == rcode
    assert (shown(got.answer), shown(got.authority), shown(got.additional)) == (answer, authority, additional)
    assert got.aa is (rcode in (0, 3) and (bool(answer) or authority != CUT))


@pytest.mark.parametrize("name", ["WwW.ExAmple.Test", "X.WILD.example.test", "AliaS.example.test"])
def test_owners_are_in_the_letters_of_the_question(room: Room, name: str) -> None:
    assert room.ask(name).answer[0].owner.wire == from_text(name).wire


def test_a_dname_that_leads_below_itself_ends(room: Room) -> None:
    got = room.ask("x.dnself.example.test")
    assert len(got.answer) == len(set(got.answer)) < 15


def test_an_alias_out_of_the_zone_is_resolved_by_the_whole_server(room: Room) -> None:
    room.resolved.clear()
    got = room.ask("out.example.test")
    assert shown(got.answer) == ["out.example.test 300 CNAME www.out.test.", "www.out.test 9 A 0.0.0.0"]
    assert (shown(got.authority), got.aa, got.private) == (NS, True, True)
    assert room.resolved == [("www.out.test", Via.CNAME)]
    assert got.fresh.ttl == 9
    assert (Rests.FILE, str(room.path)) in got.fresh.rests


def test_dname_out_of_the_zone(room: Room) -> None:
    got = room.ask("foo.dn.example.test")
    assert shown(got.answer)[:2] == [
        "dn.example.test 300 DNAME www.out.test.",
        "foo.dn.example.test 300 CNAME foo.www.out.test.",
    ]


def test_a_target_nobody_serves_leaves_the_alias_alone(room: Room) -> None:
    got = room.ask("refused.example.test")
    assert (got.rcode, shown(got.answer)) == (Rcode.NOERROR, ["refused.example.test 300 CNAME www.refused.test."])


def test_what_is_said_of_a_target_elsewhere_is_passed_on(room: Room) -> None:
    got = room.ask("nx.example.test")
    assert (got.rcode, shown(got.answer)) == (Rcode.NXDOMAIN, ["nx.example.test 300 CNAME nx.out.test."])
    assert shown(got.authority) == ["out.test 5 SOA 99"]


@pytest.mark.parametrize(
    ("target", "rotate"),
    [
        pytest.param(
            Answer(Rcode.REFUSED, ede=(ExtendedError(15),), made_by="acl"), False, id="refused for this client"
        ),
        pytest.param(Answer(tc=True, ordered=True), False, id="cut off, in an order that was chosen"),
        pytest.param(Answer(rotate=True, upstream="192.0.2.53"), True, id="in turn"),
        pytest.param(
            Answer(rotate=True, groups=(1, 1)), False, id="in groups, of which it is not known where they are"
        ),
    ],
)
def test_flags_errors_and_order_of_a_target_elsewhere_are_passed_on(
    target: Answer, rotate: bool, tmp_path: Path
) -> None:
    room = Room(tmp_path)
    room.elsewhere = target
    got = room.ask("out.example.test")
    assert (got.rcode, got.ede, got.tc, got.ordered) == (target.rcode, target.ede, target.tc, target.ordered)
    assert (got.rotate, got.groups, got.upstream, got.made_by) == (rotate, (), target.upstream, "file")


def test_aliases_in_a_circle_hold_as_long_as_the_file(room: Room) -> None:
    got = room.ask("loop1.example.test")
    assert (got.rcode, got.made_by, got.answer) == (Rcode.SERVFAIL, "file", ())
    assert got.fresh == Freshness(None, frozenset({(Rests.FILE, str(room.path))}))
    assert [error.text for error in got.ede] == ["aliases of the zone run in a circle"]


def test_a_dname_to_a_name_that_is_too_long(tmp_path: Path) -> None:
    long = ".".join(["x" * 60] * 3)
    room = Room(tmp_path, f"@ 60 SOA ns h 1 1 1 1 1\ndn DNAME {long}\n")
    got = room.ask(f"{'y' * 60}.dn.example.test")
    assert (got.rcode, shown(got.answer)) == (6, [f"dn.example.test 60 DNAME {long}.example.test."])


@pytest.mark.parametrize(("last", "rcode"), [(6, 0), (7, 6)], ids=["255 bytes", "256 bytes"])
def test_the_longest_name_a_dname_makes(last: int, rcode: int, tmp_path: Path) -> None:
    long = ".".join(["x" * 60] * 3)
    room = Room(tmp_path, f"@ 60 SOA ns h 1 1 1 1 1\ndn DNAME {long}.\n")
    assert room.ask(f"{'y' * 63}.{'z' * last}.dn.example.test").rcode == rcode


@pytest.mark.parametrize(
    ("fallthrough", "name", "falls"),
    [
        (None, "nothere.example.test", False),
        ((), "nothere.example.test", True),
        ((), "www.example.test", False),
        ((), "ent.example.test", True),
        (("a.example.test.",), "x.a.example.test", True),
        (("a.example.test.",), "x.example.test", False),
        (None, "elsewhere.test", True),
    ],
)
def test_what_the_next_room_answers(
    tmp_path: Path, fallthrough: tuple[str, ...] | None, name: str, falls: bool
) -> None:
    room = Room(tmp_path, fallthrough=fallthrough)
    got = room.ask(name)
    assert (got.made_by == "next") is falls
    if falls and "example.test" in name:
        assert (Rests.FILE, str(room.path)) in got.fresh.rests, "a name that appears later would answer"
    if name == "elsewhere.test":
        assert got is NEXT


def test_the_longest_zone_of_several_holds(tmp_path: Path) -> None:
    room = Room(
        tmp_path, "@ 60 SOA ns h 1 1 1 1 1\nwww A 10.0.0.9\n", "example.test sub.example.test 2.0.192.in-addr.arpa"
    )
    assert shown(room.ask("www.sub.example.test").answer) == ["www.sub.example.test 60 A 10.0.0.9"]
    assert shown(room.ask("x.sub.example.test").authority)[0].startswith("sub.example.test 1 SOA")
    assert shown(room.ask("www.2.0.192.in-addr.arpa").answer) == ["www.2.0.192.in-addr.arpa 60 A 10.0.0.9"]
    assert room.file.zones() == tuple(served.name for served in room.file._served.values())


def test_the_root_can_be_served(tmp_path: Path) -> None:
    room = Room(tmp_path, ". 60 SOA ns. h. 1 1 1 1 1\ntest. NS ns.test.\nns.test. A 10.0.0.1\n", ".")
    assert shown(room.ask("a.test").authority) == ["test 60 NS ns.test."]
    assert room.ask("nothere").rcode == Rcode.NXDOMAIN


def test_a_zone_as_a_whole(room: Room) -> None:
    found = room.file.transfer(room.file.zones()[0])
    assert found is not None
    assert shown(found[:1]) == shown(found[-1:]) == [SOA]
    assert len(found) == len(set(found)) + 1
    assert room.file.serial(room.file.zones()[0]) == 7
