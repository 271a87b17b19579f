"""A whole list taken in while others look: what was there before and after was never away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import pytest

from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.apiserver.intake import MOST, PORTION, Intake, Replacing, portions
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.objects import Endpoint, EndpointSlice, Kind, Object, Port, Service, ServiceKind, key_of
from dnspolicy.testing.clock import FakeClock

MANY = 3 * PORTION


def service(number: int, turn: int) -> Service:
    return Service("shop", f"s{number}", ServiceKind.CLUSTER_IP, (f"10.{turn}.{number // 250}.{number % 250}",))


def piece(number: int, name: str, addresses: Iterable[str]) -> EndpointSlice:
    endpoints = tuple(Endpoint(address, True, "", "", "", "") for address in addresses)
    return EndpointSlice("shop", f"s{number}-{name}", f"s{number}", endpoints, (Port("", "tcp", 80),), {})


def replaced(
    before: Iterable[Object], after: Iterable[Object], look: Callable[[Index], bool]
) -> tuple[int, list[bool]]:
    """How many changes it took, and what was seen after each."""

    async def story() -> tuple[int, list[bool]]:
        index, seen = Index(FakeClock(), Metrics()), []
        index.apply(before)
        kind = Kind.SERVICE if isinstance(next(iter(after)), Service) else Kind.ENDPOINT_SLICE
        replacing = Replacing(index, kind)
        for item in after:
            replacing.put(item)
        index.subscribe(lambda _: seen.append(look(index)))
        await Intake(index, kind, lambda: None).apply(replacing, loaded=True)
        assert {key_of(item): item for item in index.held(kind)} == {key_of(item): item for item in after}
        return len(seen), seen

    return asyncio.run(story())


def test_a_service_that_was_made_anew_is_never_missing() -> None:
    """Same name, another address; half of the old ones go for good."""
    before = [service(number, 1) for number in range(2 * MANY)]
    after = [service(number, 2) for number in range(MANY)]
    times, seen = replaced(before, after, lambda index: all(index.service("shop", s.name) for s in after))
    assert times > 3
    assert all(seen)


def addresses(index: Index, number: int) -> set[str]:
    return {endpoint.address for item in index.slices("shop", f"s{number}") for endpoint in item.endpoints}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param([("old", "a"), ("older", "b")], [("new", "ab")], id="slices of other names"),
        pytest.param([("x", "a"), ("y", "b")], [("x", "b"), ("y", "a")], id="from one slice to another"),
        pytest.param([("x", "ab")], [("x", ""), ("z", "ab")], id="to a new slice"),
    ],
)
def test_an_endpoint_is_never_missing(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> None:
    def slices(pieces: list[tuple[str, str]]) -> list[EndpointSlice]:
        named = ((name, letters, n) for name, letters in pieces for n in range(MANY))  # a whole portion apart
        return [
            piece(n, name, [f"10.{ord(letter)}.{n // 250}.{n % 250}" for letter in letters])
            for name, letters, n in named
        ]

    both = {n: {f"10.{ord(x)}.{n // 250}.{n % 250}" for x in "ab"} for n in range(MANY)}
    times, seen = replaced(
        slices(old), slices(new), lambda index: all(addresses(index, n) == both[n] for n in range(MANY))
    )
    assert times > 3
    assert all(seen)


def test_portions_hold_nobody_up() -> None:
    """However many endpoints one service has."""
    large = [piece(1, f"x{n:04}", [f"10.0.{n // 25}.{n % 25 * 10 + i}" for i in range(10)]) for n in range(500)]
    found = list(portions(tuple(large)))
    assert [item for some in found for item in some] == large
    assert all(sum(1 + len(item.endpoints) for item in some) <= MOST + 11 for some in found)
