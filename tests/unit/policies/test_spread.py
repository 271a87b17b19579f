"""Consistent hashing in Rego: the same numbers in every engine, evenly spread, and few who move."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from dnspolicy.engines.rego import load
from tests.unit.policies.library import POLICIES, Document, Library, pod, question, service
from tests.unit.policies.opa import decisions

FOLDERS = [POLICIES / "lib", POLICIES / "sharding"]
DATA = {"sharding": {"services": {"shop/cache": {"mode": "hash", "copies": 1}}}}
PRIME = 2147483647
CLIENTS = 400
Endpoint = tuple[str, int]


def weight(endpoint: int, client: int) -> int:
    """What `weight` of the library is to be."""
    return ((endpoint % PRIME) * (client % 2097152 + 1) + client) % PRIME


def endpoints(seed: int, count: int) -> list[Endpoint]:
    chance = Random(seed)
    return [(f"10.1.0.{number}", chance.getrandbits(32)) for number in range(1, count + 1)]


def clients(seed: int) -> list[int]:
    chance = Random(f"clients {seed}")
    return [0, 1, 2**32 - 1, PRIME, *(chance.getrandbits(32) for _ in range(CLIENTS - 4))]


def document(client: int, ready: list[Endpoint]) -> Document:
    target = service("shop", name="cache") | {"endpoints": [{"ip": ip, "hash": number} for ip, number in ready]}
    return question(pod("shop") | {"hash": client}, "cache.shop.svc.cluster.local", target)


def expected(client: int, ready: list[Endpoint]) -> str:
    return max(ready, key=lambda endpoint: weight(endpoint[1], client))[0]


def owners(library: Library, seed: int, ready: list[Endpoint]) -> dict[int, str]:
    """The endpoint that each client gets."""
    found = {}
    for client in clients(seed):
        verdict = library.decide(document(client, ready))
        assert verdict is not None
        (found[client],) = verdict.endpoints
    return found


@pytest.mark.parametrize("count", [2, 5, 12])
def test_another_endpoint_takes_its_share_and_moves_nobody_else(count: int) -> None:
    library = Library(FOLDERS, DATA)
    all_of_them = endpoints(count, count + 1)
    before, after = (owners(library, count, ready) for ready in (all_of_them[:-1], all_of_them))
    assert before == {client: expected(client, all_of_them[:-1]) for client in before}
    moved = [client for client in before if before[client] != after[client]]
    assert {after[client] for client in moved} == {all_of_them[-1][0]}
    assert 0.6 < len(moved) * (count + 1) / CLIENTS < 1.5
    shares = Counter(after.values())
    assert len(shares) == count + 1
    assert all(0.5 < share * (count + 1) / CLIENTS < 1.7 for share in shares.values())


def test_no_product_leaves_the_numbers_that_are_exact() -> None:
    assert (PRIME - 1) * 2097152 + (2**32 - 1) < 2**53


def test_the_footprint_is_the_clients_number() -> None:
    found = load(FOLDERS, isolated=False).footprint
    assert found.timeless
    assert found.client_facts() == {("hash",), ("labels", "dns.example/shard")}


@pytest.mark.real("opa")
def test_open_policy_agent_chooses_the_same(tmp_path: Path) -> None:
    ready = endpoints(1, 9)
    wanted = [expected(client, ready) for client in clients(1)]
    assert [library_choice(Library(FOLDERS, DATA), client, ready) for client in clients(1)] == wanted
    asked = [document(client, ready) for client in clients(1)]
    assert [found["endpoints"][0] for found in decisions(FOLDERS, DATA, asked, tmp_path)] == wanted


def library_choice(library: Library, client: int, ready: list[Endpoint]) -> str:
    verdict = library.decide(document(client, ready))
    assert verdict is not None
    return verdict.endpoints[0]
