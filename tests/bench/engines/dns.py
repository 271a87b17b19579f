"""`python -m tests.bench.engines.dns PORT`: questions to a DNS server, each for a name that nobody asked for before.

With `--in-flight N` so many are always under way; with `--rate Q` so many are sent each second, whatever comes back,
and the time of each counts from when it was due. Writes one Measured as JSON; what was not answered has failed.
"""

from __future__ import annotations

import argparse
import select
import socket
import sys
import time
from collections.abc import Iterator

import msgspec

from tests.bench import cluster
from tests.bench.engines.measured import Measured, Meter, measured

PATIENCE = 3.0
"""Seconds after which an answer does not count."""
_HEAD, _TAIL = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", b"\x00\x00\x01\x00\x01"


def packets(mark: str) -> Iterator[bytes]:
    """Questions without their id: names that do not exist."""
    number = 0
    while True:
        text = f"{mark}-{number}.ns-{number % cluster.NAMESPACES}.svc.{cluster.ZONE}"
        yield _HEAD + b"".join(bytes((len(label),)) + label for label in text.encode().split(b".")) + _TAIL
        number += 1


class Asker:
    """One socket of one pod. `rcode` is what is expected."""

    def __init__(self, port: int, mark: str, rcode: int) -> None:
        self._packets = packets(mark)
        self._rcode = rcode
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._sock.bind((cluster.CLIENTS[0], 0))
        self._sock.connect(("127.0.0.1", port))
        self._sock.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._sock, select.POLLIN)
        self._due: dict[int, float] = {}
        self._number = 0
        self.took: list[float] = []
        self.ended: list[float] = []
        self.other = 0

    def _send(self, due: float) -> None:
        self._number = number = (self._number + 1) & 0xFFFF
        self._due[number] = due
        self._sock.send(number.to_bytes(2, "big") + next(self._packets))

    def _receive(self, seconds: float) -> int:
        """How many answers came, after waiting for one no longer than this."""
        if not self._poll.poll(max(seconds, 0.0) * 1000):
            return 0
        count = 0
        while True:
            try:
                reply = self._sock.recv(4096)
            except BlockingIOError:
                return count
            now = time.monotonic()
            due = self._due.pop(int.from_bytes(reply[:2], "big"), None)
            if due is None:
                continue
            count += 1
            self.took.append(now - due)
            self.ended.append(now)
            self.other += (reply[3] & 15) != self._rcode

    def closed(self, in_flight: int, seconds: float) -> None:
        """So many at a time."""
        now = time.monotonic
        until = now() + seconds
        for _ in range(in_flight):
            self._send(now())
        while (left := until - now()) > 0:
            came = self._receive(left)
            for _ in range(came):
                self._send(now())
            self._give_up(now())
        self._rest()

    def open(self, rate: float, seconds: float) -> None:
        """So many each second."""
        now = time.monotonic
        began = due = now()
        while due < began + seconds:
            while (left := due - now()) > 0:
                self._receive(left)
            self._send(due)
            due += 1 / rate
        self._rest()

    def _give_up(self, now: float) -> None:
        """Ask others in place of those that are lost, so that as many stay under way."""
        if self._due and now - next(iter(self._due.values())) > PATIENCE:
            self.other += 1
            del self._due[next(iter(self._due))]
            self._send(now)

    def _rest(self) -> None:
        until = time.monotonic() + PATIENCE
        while self._due and (left := until - time.monotonic()) > 0:
            self._receive(left)

    def reset(self) -> None:
        self.took, self.ended, self.other = [], [], 0
        self._due.clear()

    @property
    def failed(self) -> int:
        return len(self._due) + self.other


def run(port: int, in_flight: int, rate: float, seconds: float, mark: str, rcode: int, beside: int) -> Measured:
    asker = Asker(port, mark, rcode)
    asker.closed(max(in_flight, 1), 0.3)
    asker.reset()
    meter, began = Meter(beside), time.monotonic()
    if rate:
        asker.open(rate, seconds)
    else:
        asker.closed(in_flight, seconds)
    ended = max(asker.ended, default=began)
    why = f"{asker.other} answers of another code, or late" if asker.other else "no answer"
    return measured(asker.took, asker.failed, ended - began, meter.used(), why if asker.failed else "")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--in-flight", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--mark", default="unique")
    parser.add_argument("--rcode", type=int, default=3)
    parser.add_argument("--beside", type=int, default=0)
    asked = parser.parse_args()
    found = run(asked.port, asked.in_flight, asked.rate, asked.seconds, asked.mark, asked.rcode, asked.beside)
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
