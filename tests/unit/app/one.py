"""One server without sockets, fed through its index and asked at its door."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dnspolicy.app.app import App
from dnspolicy.app.reading import read_plan
from dnspolicy.model.query import Transport
from dnspolicy.server.caller import Caller
from dnspolicy.testing.clock import FakeClock


class Asker(Caller):
    """A client that keeps its reply; `done` once the server is through with the query."""

    __slots__ = ("done", "reply")

    def __init__(self, source: str) -> None:
        super().__init__(source, 4711, "")
        self.reply = b""
        self.done = asyncio.get_running_loop().create_future()

    def send(self, wire: bytes) -> None:
        self.reply = wire

    def over(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


class One:
    """To be made on an event loop."""

    def __init__(self, corefile: Path, clock: FakeClock, memo: bool) -> None:
        self.app = App(read_plan(corefile, {}), clock=clock, out=print, err=print, memo=memo)
        assert self.app.server is not None
        self.door = next(d for d in self.app.server.doors if d.transport is Transport.UDP)

    async def ask(self, wire: bytes, source: str) -> bytes:
        """The reply to one query in wire form."""
        asker = Asker(source)
        self.app.front.receive(wire, self.door, asker)
        await asker.done
        return asker.reply
