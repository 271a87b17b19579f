"""Alarms: they ring once, not early, and not after they were stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dnspolicy.plugins.forward.alarms import TICK, Alarms
from dnspolicy.plugins.forward.ids import Ids


class _Sleeper:
    def __init__(self, woken: Callable[[], None]) -> None:
        self.ring = woken


def test_rings_in_order_once_and_never_early() -> None:
    async def main() -> tuple[list[str], bool]:
        loop = asyncio.get_running_loop()
        alarms, seen, end = Alarms(loop), [], loop.create_future()
        started, times = loop.time(), {}

        def wake(word: str, seconds: float) -> None:
            seen.append(word)
            times[seconds] = loop.time() - started

        alarms.start(_Sleeper(lambda: (wake("last", 5 * TICK), end.set_result(None))), 5 * TICK)
        alarms.start(_Sleeper(lambda: wake("first", TICK)), TICK)
        stopped = _Sleeper(lambda: wake("stopped", 2 * TICK))
        alarms.stop(stopped, alarms.start(stopped, 2 * TICK))
        await end
        return seen, all(passed >= seconds for seconds, passed in times.items())

    assert asyncio.run(main()) == (["first", "last"], True)


def test_an_alarm_may_stop_another_of_its_moment_and_start_anew() -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        alarms, seen, end = Alarms(loop), [], loop.create_future()
        pair: list[tuple[_Sleeper, int]] = []

        def first_of_two() -> None:
            seen.append("one of two")
            for sleeper, slot in pair:
                alarms.stop(sleeper, slot)
            alarms.start(_Sleeper(lambda: end.set_result(None)), 0.0)

        pair += [(s, alarms.start(s, 0.0)) for s in (_Sleeper(first_of_two), _Sleeper(first_of_two))]
        await end
        return seen

    assert asyncio.run(main()) == ["one of two"]


def test_ids_are_spread_and_fresh() -> None:
    ids = Ids()
    taken = [ids.take() for _ in range(4096)]
    assert all(0 <= number < 0x10000 for number in taken)
    assert len(set(taken)) > 3500
    assert [Ids().take() for _ in range(8)] != [Ids().take() for _ in range(8)]
