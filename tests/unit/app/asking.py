"""Questions without a pause, while something changes."""

from __future__ import annotations

import asyncio
from typing import cast

import dns.message
import dns.rcode

PATIENCE = 20.0
"""Seconds that anything may take."""


class Questions(asyncio.DatagramProtocol):
    """Asks the next question as soon as the last one is answered. `codes` are those of the answers, in their order."""

    def __init__(self, name: str = "www.shop.example") -> None:
        self._name = name
        self.asked = self.answered = 0
        self.codes: list[str] = []
        self.going = True
        self.idle = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._ask()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.answered += 1
        self.codes.append(dns.rcode.to_text(dns.message.from_wire(data).rcode()))
        if self.going:
            self._ask()
        else:
            self.idle.set()

    async def answers(self, more: int) -> None:
        """Wait for so many."""
        wanted = self.answered + more
        async with asyncio.timeout(PATIENCE):
            while self.answered < wanted:  # noqa: ASYNC110 every answer would set an event
                await asyncio.sleep(0.001)

    async def end(self) -> None:
        """Ask no more, and wait for the last answer."""
        self.going = False
        async with asyncio.timeout(PATIENCE):
            await self.idle.wait()
        self._transport.close()

    def _ask(self) -> None:
        self.asked += 1
        self._transport.sendto(dns.message.make_query(self._name, "A").to_wire())


async def asking(ip: str, port: int, name: str = "www.shop.example") -> Questions:
    """Begin to ask the server that listens there."""
    loop = asyncio.get_running_loop()
    _, questions = await loop.create_datagram_endpoint(lambda: Questions(name), remote_addr=(ip, port))
    return questions
