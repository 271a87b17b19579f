"""Sockets used again: another port each time, and nothing of one question is left for the next."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dnspolicy.model.query import Transport
from dnspolicy.plugins.forward.attempt import Step
from dnspolicy.plugins.forward.exchange import Budget, Exchange, UdpExchange, Waiters
from dnspolicy.plugins.forward.match import Expected
from dnspolicy.plugins.forward.peer import Peer
from dnspolicy.plugins.forward.sources import Sources
from dnspolicy.plugins.forward.upstreams import parse_upstream

FAMILIES = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]


@contextmanager
def upstream(family: socket.AddressFamily, ip: str) -> Iterator[socket.socket]:
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((ip, 0))
        sock.settimeout(5)
        yield sock


@pytest.mark.parametrize(("family", "ip"), FAMILIES, ids=["IPv4", "IPv6"])
def test_the_same_socket_has_another_port_each_time(family: socket.AddressFamily, ip: str) -> None:
    sources, ports, handles = Sources(family), set(), set()
    with upstream(family, ip) as peer:
        for _ in range(50):
            sock, _new = sources.take()
            sock.connect(peer.getsockname())
            ports.add(sock.getsockname()[1])
            handles.add(sock.fileno())
            assert sources.dissolve(sock)
            sources.keep(sock)
        sources.close()
    assert len(handles) == 1
    assert len(ports) > 40


class Asker:
    """Asks one question after the other, each over in the moment its first message is there."""

    def __init__(self) -> None:
        self.waiters = Waiters(asyncio.get_running_loop(), Budget(10))
        self.heard: list[bytes] = []
        self.told = asyncio.Event()

    def ask(self, address: tuple[str, int]) -> UdpExchange:
        step = Step(Peer(parse_upstream(f"{address[0]}:{address[1]}")), Transport.UDP, True, 1.0)
        exchange = UdpExchange(step, Expected(bytes(20), 1), 0.0, self._heard, self._broke)
        exchange.send(self.waiters, b"question")
        return exchange

    def _heard(self, exchange: Exchange, wire: bytes) -> bool:
        exchange.close()
        self.heard.append(wire)
        self.told.set()
        return False

    def _broke(self, exchange: Exchange, why: str, blame: bool) -> None:
        self._heard(exchange, why.encode())

    async def answered_by(self, peer: socket.socket, *messages: bytes) -> None:
        """Ask; the upstream sends these."""
        self.told.clear()
        self.ask(peer.getsockname())
        await asyncio.sleep(0)
        _, port = peer.recvfrom(100)
        for message in messages:
            peer.sendto(message, port)
        await asyncio.wait_for(self.told.wait(), 5)


def test_what_was_sent_for_one_question_never_meets_the_next() -> None:
    asyncio.run(_what_was_sent_for_one_question_never_meets_the_next())


async def _what_was_sent_for_one_question_never_meets_the_next() -> None:
    asker = Asker()
    with upstream(socket.AF_INET, "127.0.0.1") as peer:
        for _ in range(20):
            await asker.answered_by(peer, b"answer", b"left over")
    asker.waiters.close()
    assert asker.heard == [b"answer"] * 20


def test_a_refusal_of_one_question_never_meets_the_next() -> None:
    asyncio.run(_a_refusal_of_one_question_never_meets_the_next())


async def _a_refusal_of_one_question_never_meets_the_next() -> None:
    asker = Asker()
    with upstream(socket.AF_INET, "127.0.0.1") as peer:
        closed = peer.getsockname()
    with upstream(socket.AF_INET, "127.0.0.1") as peer:
        for _ in range(5):
            refused = asker.ask(closed)
            await asyncio.sleep(0)
            refused.close()
            await asker.answered_by(peer, b"answer")
    asker.waiters.close()
    assert asker.heard == [b"answer"] * 5


def test_a_question_that_is_over_before_it_left_is_not_sent() -> None:
    asyncio.run(_a_question_that_is_over_before_it_left_is_not_sent())


async def _a_question_that_is_over_before_it_left_is_not_sent() -> None:
    asker = Asker()
    with upstream(socket.AF_INET, "127.0.0.1") as peer:
        asker.ask(peer.getsockname()).close()
        await asker.answered_by(peer, b"answer")
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.recvfrom(100)
    asker.waiters.close()


def test_holds_so_many_idle_at_most() -> None:
    sources = Sources(socket.AF_INET)
    with upstream(socket.AF_INET, "127.0.0.1") as peer:
        used = [sources.take()[0] for _ in range(150)]
        for sock in used:
            sock.connect(peer.getsockname())
            sources.dissolve(sock)
            sources.keep(sock)
    assert sum(sock.fileno() >= 0 for sock in used) == 128
    sources.close()
    assert all(sock.fileno() < 0 for sock in used)
