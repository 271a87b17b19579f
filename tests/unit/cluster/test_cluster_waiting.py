"""A pod younger than its event is waited for, and nobody can make that dear."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest
from cluster_worlds import index_of

from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.objects import Kind, Pod
from dnspolicy.cluster.waiting import MAX_WAITERS, PAUSE
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.testing.clock import FakeClock

OLD = Pod("shop", "old", "u0", ("10.1.0.1",))
YOUNG = Pod("shop", "young", "u1", ("10.1.0.2",))
LONG = 30.0


def cluster() -> tuple[Index, FakeClock]:
    clock = FakeClock()
    index = Index(clock, Metrics())
    index.apply([OLD], (), tuple(Kind))
    return index, clock


async def waits(wait: Coroutine[None, None, Identity], then: Callable[[], object]) -> Identity:
    """The identity that comes of a wait which is really on when `then` happens."""
    task = asyncio.ensure_future(wait)
    await asyncio.sleep(0)
    assert not task.done()
    then()
    return await asyncio.wait_for(task, 10)


def test_the_event_ends_the_wait() -> None:
    async def run() -> Identity:
        index, _ = cluster()
        return await waits(index.await_identity("10.1.0.2", LONG), lambda: index.apply([YOUNG]))

    assert asyncio.run(run()).pod == "young"


@pytest.mark.parametrize("spelling", ["10.1.0.2", "::ffff:10.1.0.2"])
def test_both_questions_of_a_pair_wait_and_learn_the_same(spelling: str) -> None:
    async def run() -> list[Identity]:
        index, _ = cluster()
        first = asyncio.ensure_future(index.await_identity("10.1.0.2", LONG))
        await asyncio.sleep(0)
        second = await waits(index.await_identity(spelling, LONG), lambda: index.apply([YOUNG]))
        return [await first, second]

    assert [found.pod for found in asyncio.run(run())] == ["young", "young"]


def test_news_that_do_not_say_who_it_is_do_not_end_the_wait() -> None:
    async def run() -> Identity:
        index, _ = cluster()
        finished = Pod("shop", "job", "u9", ("10.1.0.2",), finished=True)
        task = asyncio.ensure_future(index.await_identity("10.1.0.2", LONG))
        await asyncio.sleep(0)
        index.apply([finished])
        await asyncio.sleep(0)
        assert not task.done()
        index.apply([YOUNG])
        return await asyncio.wait_for(task, 10)

    assert asyncio.run(run()).pod == "young"


def test_it_ends_by_itself() -> None:
    index, _ = cluster()
    assert asyncio.run(index.await_identity("10.1.0.2", 0.001)).kind is ClientKind.UNKNOWN


@pytest.mark.parametrize(
    ("address", "seconds"),
    [
        pytest.param("10.1.0.1", LONG, id="known"),
        pytest.param("198.51.100.1", LONG, id="external"),
        pytest.param("10.1.0.2", 0.0, id="no time given"),
        pytest.param("nonsense", LONG, id="no address"),
    ],
)
def test_no_wait(address: str, seconds: float) -> None:
    async def run() -> None:
        index, _ = cluster()
        task = asyncio.ensure_future(index.await_identity(address, seconds))
        await asyncio.sleep(0)
        assert task.done()

    asyncio.run(run())


def test_a_stranger_is_waited_for_once_in_a_while() -> None:
    async def run() -> None:
        index, clock = cluster()
        await index.await_identity("10.1.0.2", 0.001)
        clock.advance(PAUSE - 0.1)
        again = asyncio.ensure_future(index.await_identity("10.1.0.2", LONG))
        await asyncio.sleep(0)
        assert again.done()
        clock.advance(0.2)
        found = await waits(index.await_identity("10.1.0.2", LONG), lambda: index.apply([YOUNG]))
        assert found.pod == "young"

    asyncio.run(run())


def test_waiters_are_bounded_and_leave_when_cancelled() -> None:
    async def run() -> None:
        index, clock = cluster()
        crowd = [asyncio.ensure_future(index.await_identity("10.1.0.9", LONG)) for _ in range(MAX_WAITERS)]
        await asyncio.sleep(0)
        late = asyncio.ensure_future(index.await_identity("10.1.0.2", LONG))
        await asyncio.sleep(0)
        assert late.done()
        for task in crowd:
            task.cancel()
        await asyncio.wait(crowd)
        clock.advance(PAUSE)
        found = await waits(index.await_identity("10.1.0.2", LONG), lambda: index.apply([YOUNG]))
        assert found.pod == "young"

    asyncio.run(run())


def test_before_the_cluster_is_loaded_everybody_is_worth_a_wait() -> None:
    async def run() -> Identity:
        index = index_of([], loaded=False)
        return await waits(index.await_identity("198.51.100.1", LONG), lambda: index.apply((), (), tuple(Kind)))

    assert asyncio.run(run()).kind is ClientKind.EXTERNAL
