"""A zone of the cluster as a whole, from the room alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import dns.message
import msgspec
import pytest
import yaml

from dnspolicy.model.answer import Answer
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import Record, Type
from dnspolicy.wire.encode import encode_answer
from tests.conformance import room, suite

SUITE = suite.load()
ZONE = "cluster.local."


def served(name: str, folder: Path, **changes: object) -> room.RoomServer:
    setup = next(case.setup for case in SUITE.cases if case.setup.name == name)
    for field, value in changes.items():
        setup = msgspec.structs.replace(setup, **{field: value})
    return room.RoomServer(SUITE, setup, room.index(room.objects(SUITE), setup), folder)


def read(records: tuple[Record, ...]) -> list[suite.Rr]:
    """The records as another library sees them."""
    asked = from_text(ZONE)
    query = Query(asked, Type.AXFR, asked, transport=Transport.TCP)
    wire = encode_answer(query, Answer(answer=records), 65_535)
    return suite.records_of(dns.message.from_wire(wire, one_rr_per_rrset=True).answer)


def transferred(server: room.RoomServer) -> tuple[Record, ...]:
    async def scene() -> tuple[Record, ...] | None:
        return server.room.transfer(from_text(ZONE))

    found = asyncio.run(scene())
    assert found is not None
    return found


def test_the_same_records_as_coredns(tmp_path: Path) -> None:
    wanted = yaml.safe_load((suite.HERE / "transfer.yaml").read_text())["set"]
    found = read(transferred(served("shoponly", tmp_path)))
    assert found[0] == found[-1]
    assert found[0].type == "SOA"
    assert sorted(set(found[1:-1])) == sorted({suite.parse(text, ZONE, 5) for text in wanted})
    assert len(found) == len(set(found)) + 1, "no record twice"


def test_soa_then_name_servers_and_their_addresses_then_services_by_name(tmp_path: Path) -> None:
    found = read(transferred(served("std", tmp_path)))
    assert [record.type for record in found[:3]] == ["SOA", "NS", "A"]
    assert found[2].ttl == "0"
    services = [record.owner.removesuffix(".svc." + ZONE).split(".")[-2] for record in found[3:-1]]
    assert services == sorted(services)
    assert {"ledger", "web", "kubernetes"} <= set(services)


@pytest.mark.parametrize(
    ("changes", "there", "gone"),
    [
        pytest.param({"namespace_labels": "team=finance"}, "ledger.bank.svc", "web.shop.svc", id="namespace-labels"),
        pytest.param({"labels": "expose=yes"}, "web.shop.svc", "multi.shop.svc", id="labels"),
        pytest.param({"noendpoints": True}, "web.shop.svc", "peers.shop.svc", id="no-endpoints"),
        pytest.param(
            {"endpoint_pod_names": True}, "cache-7f9c-abcde.cache.shop.svc", "10-244-3-1.cache.shop.svc", id="pod-names"
        ),
    ],
)
def test_options_count(tmp_path: Path, changes: dict[str, object], there: str, gone: str) -> None:
    owners = {record.owner for record in read(transferred(served("std", tmp_path, **changes)))}
    assert f"{there}.{ZONE}" in owners
    assert f"{gone}.{ZONE}" not in owners


def test_what_is_not_loaded_is_not_handed_out(tmp_path: Path) -> None:
    made = served("std", tmp_path, synced=False).room
    assert (made.transfer(from_text(ZONE)), made.serial(from_text(ZONE))) == (None, None)


def test_reverse_zones_are_not_handed_out(tmp_path: Path) -> None:
    made = served("std", tmp_path).room
    assert made.zones() == (from_text(ZONE),)
    assert made.transfer(from_text("96.10.in-addr.arpa")) is None


def test_a_change_is_in_the_next_transfer(tmp_path: Path) -> None:
    setup = next(case.setup for case in SUITE.cases if case.setup.name == "std")
    cluster = room.index(room.objects(SUITE), setup)
    server = room.RoomServer(SUITE, setup, cluster, tmp_path)
    before = transferred(server)
    web = next(item for item in room.objects(SUITE) if getattr(item, "name", "") == "web" and hasattr(item, "kind"))
    cluster.apply([msgspec.structs.replace(web, addresses=("10.96.9.9",))])
    assert b"\x0a\x60\x09\x09" in {record.rdata for record in transferred(server)} - {record.rdata for record in before}
