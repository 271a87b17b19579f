"""A fault in one query or observer ends neither the reader nor the timer, and holds nobody's reply back."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

import pytest

from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer
from dnspolicy.model.name import ROOT
from dnspolicy.model.query import Query, Transport
from dnspolicy.server.blocks import Routes
from dnspolicy.server.caller import Caller
from dnspolicy.server.door import Door
from dnspolicy.server.front import Front
from dnspolicy.server.memo import Cell, Entry
from dnspolicy.server.repeats import Repeats
from dnspolicy.server.server import Server
from dnspolicy.server.sockets import udp_socket
from dnspolicy.server.stepping import Stepper
from dnspolicy.server.udp import UdpListener


class _Front:
    """Answers at once, later, or with an error nobody catches, as the message says."""

    def receive(self, wire: bytes, door: Door, caller: Caller) -> None:
        if wire == b"fault":
            raise RuntimeError
        if wire == b"later":
            asyncio.get_running_loop().call_later(0.01, caller.send, wire)
        else:
            caller.send(wire)


def test_replies_leave_though_a_later_datagram_meets_a_fault() -> None:
    async def main(client: socket.socket) -> set[bytes]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)
        sock = udp_socket("127.0.0.1", 0)
        door = Door(Routes((), lambda _: ()), Transport.UDP, "127.0.0.1", 0)
        listener = UdpListener(
            sock, door, front=cast(Front, _Front()), repeats=Repeats(), clock=SystemClock(), metrics=Metrics()
        )
        for wire in (b"later", b"now", b"fault"):
            client.sendto(wire, sock.getsockname())
        listener.start(loop)
        try:
            return {await asyncio.wait_for(loop.sock_recv(client, 99), 5) for _ in range(2)}
        finally:
            listener.stop()
            listener.close()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        assert asyncio.run(main(client)) == {b"later", b"now"}


def test_a_fault_of_an_observer_does_not_end_the_timer() -> None:
    class Told(Repeats):
        times = 0
        again: asyncio.Event

        def tell(self) -> None:
            self.times += 1
            if self.times == 1:
                raise RuntimeError
            self.again.set()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)
        repeats = Told()
        repeats.times = 0
        repeats.again = asyncio.Event()
        unused: Any = None
        server = Server(
            front=unused, memo=None, repeats=repeats, stepper=Stepper(loop, 1), clock=SystemClock(),
            metrics=Metrics(), fold=0.01,
        )  # fmt: skip
        loop.call_soon(server._tick)
        await asyncio.wait_for(repeats.again.wait(), 5)
        await server.stop()

    asyncio.run(main())


def test_a_fault_of_an_observer_loses_no_other_repeats() -> None:
    class Faulty:
        every = False

        def __init__(self) -> None:
            self.told: list[tuple[Outcome, int]] = []
            self.asked = 0

        def seen(self, outcome: Outcome) -> None:
            raise AssertionError

        def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
            self.asked += 1
            if self.asked == 1:
                raise RuntimeError
            self.told.append((outcome, count))

    observer, repeats = Faulty(), Repeats()
    outcome = Outcome(Query(ROOT, 1, ROOT), Answer(), "192.0.2.1", 1)
    cells = [Cell(Entry({}, b"", (b"",), outcome, (observer,)), outcome.identity, f"192.0.2.{n}") for n in range(3)]
    for cell in cells:
        repeats.count(cell, 1.0, 0.0)
    with pytest.raises(RuntimeError):
        repeats.tell()
    for cell in cells:
        repeats.count(cell, 2.0, 0.0)
    repeats.tell()
    assert {(outcome.source, count) for outcome, count in observer.told} == {
        ("192.0.2.0", 1), ("192.0.2.1", 2), ("192.0.2.2", 2)
    }  # fmt: skip
