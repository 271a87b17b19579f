"""Many questions to one server, quickly, from an address of the client's own."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Sequence

from tests.differential.questions import Question

PATIENCE = 6.0
"""Seconds to wait for an answer."""
_AT_ONCE = 32
_ON_ONE_CONNECTION = 100
"""CoreDNS closes a connection after 128 questions."""

Numbered = tuple[int, Question]
Replies = dict[int, bytes]


def ask_all(client: str, server: tuple[str, int], questions: Sequence[Question]) -> list[bytes | None]:
    """The reply to each question; None where none came."""
    numbered = list(enumerate(questions))
    found: Replies = {}
    for some in _parts([pair for pair in numbered if not pair[1].tcp], _AT_ONCE):
        found |= _over_udp(client, server, some)
    for some in _parts([pair for pair in numbered if pair[1].tcp], _ON_ONE_CONNECTION):
        found |= _over_tcp(client, server, some)
    return [found.get(number) for number, _ in numbered]


def _over_udp(client: str, server: tuple[str, int], questions: Sequence[Numbered]) -> Replies:
    found: Replies = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((client, 0))
        sock.connect(server)
        deadline = time.monotonic() + PATIENCE
        for number, question in questions:
            sock.send(question.message(number).to_wire())
        while len(found) < len(questions) and (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            with contextlib.suppress(TimeoutError):
                wire = sock.recv(65535)
                found.setdefault(int.from_bytes(wire[:2], "big"), wire)  # after an error CoreDNS may send two
    return found


def _over_tcp(client: str, server: tuple[str, int], questions: Sequence[Numbered]) -> Replies:
    found: Replies = {}
    with (
        contextlib.closing(socket.create_connection(server, PATIENCE, (client, 0))) as sock,
        sock.makefile("rb") as file,
    ):
        for number, question in questions:
            wire = question.message(number).to_wire()
            sock.sendall(len(wire).to_bytes(2, "big") + wire)
        with contextlib.suppress(TimeoutError):
            while len(found) < len(questions) and len(head := file.read(2)) == 2:
                wire = file.read(int.from_bytes(head, "big"))
                found.setdefault(int.from_bytes(wire[:2], "big"), wire)
    return found


def _parts(items: Sequence[Numbered], size: int) -> Iterator[Sequence[Numbered]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]


def listening(server: tuple[str, int]) -> bool:
    """Whether a server takes connections."""
    with contextlib.suppress(OSError), contextlib.closing(socket.create_connection(server, 0.5)):
        return True
    return False
