"""Coroutines stepped without a task: they wait, go on, fail and are cut off as a task would be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dnspolicy.server.stepping import Stepper


async def _future() -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    loop.call_soon(future.set_result, None)
    await future


async def _task() -> None:
    await asyncio.get_running_loop().create_task(_future())


async def _bare() -> None:
    await asyncio.sleep(0)


async def _failed() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_exception(OSError())
    try:
        await future
    except OSError:
        return
    raise AssertionError("the failure was lost")


async def _finished() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    await future


@pytest.mark.parametrize("wait", [_future, _task, _bare, _failed, _finished], ids=lambda w: w.__name__)
def test_goes_on_after_each_wait(wait: Callable[[], Awaitable[None]]) -> None:
    async def main() -> list[int]:
        stepper, seen = Stepper(asyncio.get_running_loop(), 100), []

        async def three() -> None:
            for number in range(3):
                await wait()
                seen.append(number)

        stepper.run(three(), "192.0.2.1")
        assert await stepper.drain(5.0) == 0
        return seen

    assert asyncio.run(main()) == [0, 1, 2]


def test_holds_a_quarter_for_one_client_and_no_more_than_may_wait() -> None:
    async def main() -> list[bool]:
        loop = asyncio.get_running_loop()
        stepper, gate = Stepper(loop, 4), loop.create_future()

        async def wait() -> None:
            await asyncio.shield(gate)

        clients = ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5")
        taken = [stepper.run(wait(), client) for client in clients]
        gate.set_result(None)
        assert await stepper.drain(5.0) == 0
        return [*taken, stepper.run(wait(), clients[0])]

    assert asyncio.run(main()) == [True, False, True, True, True, False, True]


def test_drain_cuts_off_what_does_not_end() -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        stepper, seen = Stepper(loop, 100), []

        async def forever() -> None:
            try:
                await loop.create_future()
            finally:
                seen.append("cut off")

        async def spin() -> None:
            try:
                while True:
                    await _bare()
            finally:
                seen.append("cut off")

        stepper.run(forever(), "192.0.2.1")
        stepper.run(spin(), "192.0.2.1")
        assert await stepper.drain(0.01) == 2
        assert await stepper.drain(5.0) == 0
        return seen

    assert asyncio.run(main()) == ["cut off", "cut off"]


def test_a_failure_reaches_the_loop_and_frees_the_place() -> None:
    async def main() -> list[Any]:
        loop = asyncio.get_running_loop()
        told: list[Any] = []
        loop.set_exception_handler(lambda _loop, context: told.append(context.get("exception")))
        stepper = Stepper(loop, 1)

        async def break_down() -> None:
            await _future()
            raise ValueError("broken")

        stepper.run(break_down(), "192.0.2.1")
        assert await stepper.drain(5.0) == 0
        return told

    assert [str(problem) for problem in asyncio.run(main())] == ["broken"]
