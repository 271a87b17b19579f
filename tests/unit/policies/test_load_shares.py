"""least-loaded: how the clients are shared out by load, and how few of them move when the numbers do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from tests.unit.policies.library import POLICIES, Library, pod, question, service

FOLDERS = [POLICIES / "lib", POLICIES / "least-loaded"]
NODES = [f"worker-{number}" for number in range(80)] + [f"gke-pool-{n % 5}-{n * 7919:x}" for n in range(80)]
HASHES = (3735928559, 305419896, 2271560481, 4027431614)
TOLERANCE = 10


def first(loads: Sequence[float], mode: str = "cut") -> dict[str, int]:
    """Which of four endpoints the clients of each node begin with."""
    ready = [{"ip": f"10.1.0.{at}", "hash": number, "pod": f"db-{at}"} for at, number in enumerate(HASHES)]
    numbers = {"shop": {f"db-{at}": load for at, load in enumerate(loads)}}
    settings = {"source": "prometheus", "tolerance": TOLERANCE}
    library = Library(FOLDERS, {"load": {"numbers": numbers}, "least_loaded": settings})
    target = service("shop") | {"labels": {"dns.example/least-loaded": mode}, "endpoints": ready}
    found = {}
    for node in NODES:
        verdict = library.decide(question(pod("shop") | {"node": node}, "db.shop.svc.cluster.local", target))
        assert verdict is not None
        found[node] = int(verdict.endpoints[0][-1])
    return found


def moved(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {node for node in before if before[node] != after[node]}


def test_equals_share_the_clients() -> None:
    shares = Counter(first([8, 8, 8, 8]).values())
    assert len(shares) == 4
    assert all(0.7 < share * 4 / len(NODES) < 1.3 for share in shares.values())


def test_the_more_one_has_to_do_the_fewer_begin_with_it() -> None:
    shares = Counter(first([5, 7, 9, 15]).values())
    assert shares[0] > shares[1] > shares[2] > 0
    assert 3 not in shares


@pytest.mark.parametrize("mode", ["cut", "order"])
@pytest.mark.parametrize(
    "loads", [(8, 9.5, 10, 50), (8, 8.5, 10, 50), (8.5, 9, 10, 50), (7.5, 9, 10, 50), (8, 9, 10.5, 50)]
)
def test_a_small_change_moves_few(loads: tuple[float, ...], mode: str) -> None:
    """A twentieth of the tolerance: a twentieth of the clients at most."""
    assert len(moved(first([8, 9, 10, 50], mode), first(loads, mode))) <= len(NODES) / 20


@pytest.mark.parametrize("mode", ["cut", "order"])
def test_hardly_anybody_notices_one_that_goes_back_and_forth_over_the_edge(mode: str) -> None:
    below, above = first([8, 9, 17.9, 50], mode), first([8, 9, 18.1, 50], mode)
    assert moved(below, above) == {node for node, endpoint in below.items() if endpoint == 2}
    assert len(moved(below, above)) <= len(NODES) / 50


def test_who_is_beyond_the_tolerance_may_have_any_load() -> None:
    assert first([8, 9, 10, 50]) == first([8, 9, 10, 5000])
