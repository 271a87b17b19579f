"""`python -m tests.bench.engines.raw ADDRESS --in-flight N --seconds S`: the raw round trip to an OPA.

ADDRESS is a port of loopback or the path of a socket. The requests are those that the `opa` engine sends, byte for
byte, written and read by plain sockets, one for each question in flight; of a reply only its length is looked at.
Writes one Measured as JSON.
"""

from __future__ import annotations

import argparse
import re
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from itertools import cycle

import msgspec

from dnspolicy import __version__
from dnspolicy.engines.opa.http import request, write_head
from dnspolicy.policy.input import encode
from tests.bench.engines.measured import Measured, Meter, measured
from tests.bench.engines.questions import questions

TARGET = "/v1/data/dnspolicy/decision?provenance=true"
WARM_UP = 0.5
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def requests(authority: str) -> Iterator[bytes]:
    """What the engine sends."""
    fields = (
        ("Content-Type", "application/json"),
        ("User-Agent", f"dnspolicy/{__version__}"),
        ("Accept-Encoding", "identity"),
    )
    head = write_head("POST", TARGET, authority, fields)
    return cycle([request(head, b'{"input":%b}' % encode(question)) for question in questions()])


def connect(address: str) -> socket.socket:
    if address.isdigit():
        made = socket.create_connection(("127.0.0.1", int(address)))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    made = socket.socket(socket.AF_UNIX)
    made.connect(address)
    return made


def is_whole(reply: bytes) -> bool:
    """Whether the reply is all there. Raises ValueError for any but a decision."""
    end = reply.find(b"\r\n\r\n")
    if end < 0:
        return False
    found = _LENGTH.search(reply, 0, end)
    if not reply.startswith(b"HTTP/1.1 200") or found is None:
        raise ValueError(f"OPA replied {reply[:80]!r}")
    return len(reply) >= end + 4 + int(found[1])


def one_by_one(address: str, asked: Iterator[bytes], seconds: float, took: list[float]) -> None:
    """One question in flight, by blocking calls."""
    now = time.monotonic
    with connect(address) as sock:
        until = now() + seconds
        for content in asked:
            began = now()
            if began >= until:
                return
            sock.sendall(content)
            reply = sock.recv(65536)
            while not is_whole(reply):
                reply += sock.recv(65536)
            took.append(now() - began)


def many(address: str, asked: Iterator[bytes], in_flight: int, seconds: float, took: list[float]) -> None:
    """One question in flight on each of so many connections."""
    now = time.monotonic
    ready = selectors.EpollSelector()
    sockets = [connect(address) for _ in range(in_flight)]
    began = dict.fromkeys(range(in_flight), 0.0)
    held = dict.fromkeys(range(in_flight), b"")
    until = now() + seconds
    for number, sock in enumerate(sockets):
        ready.register(sock, selectors.EVENT_READ, number)
        began[number] = now()
        sock.sendall(next(asked))
    left = in_flight
    while left:
        for key, _ in ready.select(5.0):
            number, sock = key.data, sockets[key.data]
            held[number] += sock.recv(65536)
            if not is_whole(held[number]):
                continue
            held[number] = b""
            ended = now()
            took.append(ended - began[number])
            if ended >= until:
                left -= 1
                continue
            began[number] = ended
            sock.sendall(next(asked))
    for sock in sockets:
        sock.close()


def run(address: str, in_flight: int, seconds: float, beside: int) -> Measured:
    asked = requests(f"127.0.0.1:{address}" if address.isdigit() else "localhost")

    def go(length: float, took: list[float]) -> None:
        if in_flight == 1:
            one_by_one(address, asked, length, took)
        else:
            many(address, asked, in_flight, length, took)

    go(WARM_UP, [])
    took: list[float] = []
    meter, began = Meter(beside), time.monotonic()
    go(seconds, took)
    return measured(took, 0, time.monotonic() - began, meter.used())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--beside", type=int, default=0)
    asked = parser.parse_args()
    sys.stdout.buffer.write(msgspec.json.encode(run(asked.address, asked.in_flight, asked.seconds, asked.beside)))


if __name__ == "__main__":
    main()
