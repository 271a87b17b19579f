from __future__ import annotations

import asyncio

import aiohttp
import pytest

from dnspolicy.chain.http import HttpListeners
from dnspolicy.plugins.ready import Config, Monitor, Ready, Room


class Scripted:
    """Gives one reason after the other, then the last for ever."""

    def __init__(self, *reasons: str | None) -> None:
        self.reasons = list(reasons)

    def not_ready(self) -> str | None:
        return self.reasons.pop(0) if len(self.reasons) > 1 else self.reasons[0]


def ready(*rooms: Room, monitor: Monitor = Monitor.UNTIL_READY) -> Ready:
    return Ready(Config(address="127.0.0.1:0", monitor=monitor), listeners=HttpListeners(), rooms=lambda: rooms)


async def get(port: int) -> tuple[int, str]:
    async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}/ready") as reply:
        return reply.status, await reply.text()


def test_every_room_must_be_ready() -> None:
    kubernetes, policy = Scripted("index not synced", None), Scripted("no policy yet", "no policy yet", None)

    async def story() -> None:
        room = ready(Room("kubernetes", kubernetes), Room("policy", policy))
        await room.start()
        assert await get(room.port) == (503, "kubernetes: index not synced\npolicy: no policy yet\n")
        assert await get(room.port) == (503, "policy: no policy yet\n")
        assert await get(room.port) == (200, "OK")
        await room.stop()
        await room.stop()

    asyncio.run(story())


def test_no_room_has_anything_to_say() -> None:
    assert ready().missing() == ()


@pytest.mark.parametrize(
    ("monitor", "missing"), [(Monitor.UNTIL_READY, ()), (Monitor.CONTINUOUSLY, ("kubernetes: lost",))]
)
def test_a_room_that_was_ready_once(monitor: Monitor, missing: tuple[str, ...]) -> None:
    room = ready(Room("kubernetes", Scripted(None, "lost")), monitor=monitor)
    assert room.missing() == ()
    assert room.missing() == missing


def test_it_is_not_ready_any_more_once_the_server_is_about_to_stop() -> None:
    room = ready(Room("kubernetes", Scripted(None)))
    assert room.missing() == ()
    asyncio.run(room.drain())
    assert room.missing() == ("server: shutting down",)


def test_reasons_are_escaped_and_cut() -> None:
    room = ready(Room("policy", Scripted("line one\nline two\x1b[31m" + "x" * 500)))
    [line] = room.missing()
    assert line.startswith("policy: line one\\nline two\\x1b[31mxxx")
    assert len(line) < 250
