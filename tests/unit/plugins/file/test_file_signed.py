"""A signed zone: what DO brings. The signatures are made up; that they come along is what counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.model.rr import Type
from tests.unit.plugins.file.zone_help import Room

PLAIN = [
    ("@", "SOA", "ns h 7 1 1 1 60", "www"),
    ("@", "NS", "ns", ""),
    ("a.ent", "A", "10.0.0.1", "ns"),
    ("ns", "A", "10.0.0.2", "safe"),
    ("safe", "NS", "ns.else.test.", ""),
    ("safe", "DS", "1 8 2 " + "00" * 32, "sub"),
    ("sub", "NS", "ns.else.test.", "*.wild"),
    ("*.wild", "A", "10.0.0.3", "www"),
    ("www", "A", "10.0.0.4", "@"),
]
ORDER = ["@", "a.ent", "ns", "safe", "sub", "*.wild", "www"]


def signed() -> str:
    lines = [f"{owner} 60 {kind} {data}" for owner, kind, data, _ in PLAIN]
    for number, owner in enumerate(ORDER):
        held = [kind for name, kind, _, _ in PLAIN if name == owner]
        lines.append(f"{owner} 60 NSEC {ORDER[(number + 1) % len(ORDER)]} {' '.join(held)} RRSIG NSEC")
        covered = ["DS"] if "DS" in held else [] if owner == "sub" else held
        lines += [
            f"{owner} 60 RRSIG {kind} 8 3 60 20300101000000 20200101000000 1 example.test. AAAA"
            for kind in [*covered, "NSEC"]
        ]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Room:
    folder: Path = tmp_path_factory.mktemp("signed")
    return Room(folder, signed())


@pytest.mark.parametrize(
    ("name", "qtype", "answer", "proofs"),
    [
        pytest.param("www", "A", ["A", "RRSIG"], [], id="answer"),
        pytest.param("www", "AAAA", [], ["www"], id="no-such-type"),
        pytest.param("nothere", "A", [], ["a.ent", "@"], id="no-such-name"),
        pytest.param("x.ent", "A", [], ["a.ent", "@"], id="no-name-below-names"),
        pytest.param("ent", "A", [], ["@"], id="names-below"),
        pytest.param("x.wild", "A", ["A", "RRSIG"], ["*.wild"], id="wildcard"),
        pytest.param("x.wild", "TXT", [], ["*.wild"], id="wildcard-without-the-type"),
        pytest.param("a.safe", "A", [], [], id="secure-referral"),
        pytest.param("a.sub", "A", [], ["sub"], id="insecure-referral"),
        pytest.param("www", "NSEC", ["NSEC", "RRSIG"], [], id="nsec-itself"),
    ],
)
def test_what_do_brings(room: Room, name: str, qtype: str, answer: list[str], proofs: list[str]) -> None:
    got = room.ask(f"{name}.example.test", qtype, do=True)
    assert [Type(record.type).name for record in got.answer] == answer
    wanted = {"example.test" if proof == "@" else f"{proof}.example.test".replace("*", "\\042") for proof in proofs}
    assert {str(record.owner) for record in got.authority if record.type == Type.NSEC} == wanted
    signatures = [record for record in got.authority if record.type == Type.RRSIG]
    assert len(signatures) >= len(wanted)


@pytest.mark.parametrize("name", ["www", "nothere", "x.wild", "a.safe", "a.sub"])
def test_without_do_nothing_of_it_is_shown(room: Room, name: str) -> None:
    got = room.ask(f"{name}.example.test")
    shown = {record.type for record in got.answer + got.authority + got.additional}
    assert not shown & {Type.RRSIG, Type.NSEC, Type.DS}


def test_a_secure_referral_has_the_ds_and_its_signature(room: Room) -> None:
    got = room.ask("a.safe.example.test", do=True)
    assert [Type(record.type).name for record in got.authority] == ["NS", "DS", "RRSIG"]
