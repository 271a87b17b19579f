"""Sockets used again: another port each time, and nothing of one question is left for the next."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dnspolicy.plugins.forward.sources import Sources

FAMILIES = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]


@contextmanager
def upstream(family: socket.AddressFamily, ip: str) -> Iterator[socket.socket]:
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((ip, 0))
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
            sources.give_back(sock)
        sources.close()
    assert len(handles) == 1
    assert len(ports) > 40


@pytest.mark.parametrize("late", [False, True], ids=["unread", "after it was given back"])
def test_what_was_sent_for_one_question_never_meets_the_next(late: bool) -> None:
    sources = Sources(socket.AF_INET)
    with upstream(socket.AF_INET, "127.0.0.1") as peer:
        sock, _ = sources.take()
        sock.connect(peer.getsockname())
        address = sock.getsockname()
        if late:
            sources.give_back(sock)
            peer.sendto(b"late", address)
        else:
            peer.sendto(b"unread", address)
            sources.give_back(sock)
        after, new = sources.take()
        after.connect(peer.getsockname())
        assert new is not late
        with pytest.raises(BlockingIOError):
            after.recv(100)
        after.close()
        sources.close()


def test_a_refusal_of_one_question_never_meets_the_next() -> None:
    sources = Sources(socket.AF_INET)
    with upstream(socket.AF_INET, "127.0.0.1") as peer:
        closed = peer.getsockname()
    sock, _ = sources.take()
    sock.connect(closed)
    sock.send(b"anybody?")
    sources.give_back(sock)
    _, new = again = sources.take()
    assert new
    again[0].close()
    sources.close()


def test_holds_so_many_idle_at_most() -> None:
    sources = Sources(socket.AF_INET)
    with upstream(socket.AF_INET, "127.0.0.1") as peer:
        used = [sources.take()[0] for _ in range(150)]
        for sock in used:
            sock.connect(peer.getsockname())
            sources.give_back(sock)
    assert sum(sock.fileno() >= 0 for sock in used) == 128
    sources.close()
    assert all(sock.fileno() < 0 for sock in used)
