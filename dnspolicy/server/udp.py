"""UDP: the reader drains what the kernel holds, and serves finished answers before anything else."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.server.caller import Caller, plain
from dnspolicy.server.door import Door
from dnspolicy.server.front import Front
from dnspolicy.server.repeats import Repeats
from dnspolicy.server.sockets import ANY, IP_PKTINFO

BATCH = 64
"""Datagrams served before the event loop gets its turn."""
TOGETHER = 16
"""Replies that leave together, at most."""
LAST_BATCHES = 256
"""Batches that are still served when the server stops."""
LARGEST = 4096
"""Bytes of a query; a longer one is cut and so refused."""
_PKTINFO4 = struct.Struct("=I4s4s")
_PKTINFO6 = struct.Struct("=16sI")

Address = tuple[Any, ...]
"""A socket address as the kernel gives it."""
Control = Sequence[tuple[int, int, bytes]]
"""Ancillary data of a datagram."""


class UdpListener:
    """One bound socket. On a wildcard address replies leave from the address the question came to."""

    def __init__(
        self, sock: socket.socket, door: Door, *, front: Front, repeats: Repeats, clock: Clock, metrics: Metrics
    ) -> None:
        self._sock = sock
        self._door = door
        self._front = front
        self._repeats = repeats
        self._clock = clock
        self._errors = metrics.counter("dnspolicy_udp_send_errors_total", "Replies the kernel did not take.")
        self._reader = self._drain
        self._loop: asyncio.AbstractEventLoop | None = None
        self._together = False
        self._replies: list[tuple[bytes, Address, Control]] = []

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen; once more after the door leads elsewhere."""
        self._loop = loop
        self._reader = self._drain_slowly if self._door.ip in ANY or self._door.routes.every else self._drain
        loop.add_reader(self._sock.fileno(), self._reader)

    def stop(self) -> None:
        """Serve what has arrived, then listen no more."""
        if self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())
            for _ in range(LAST_BATCHES):
                if not self._waits():
                    break
                self._reader()
            self._flush()
            self._loop = None

    def retire(self) -> None:
        """Leave new questions to a socket that covers this address too, and only send the replies that are due."""
        with suppress(OSError):
            self._sock.connect(self._sock.getsockname())  # from now on the kernel has nothing for it
        self.stop()

    def _waits(self) -> bool:
        """Whether a datagram waits to be served."""
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except OSError:
            return False
        return True

    def close(self) -> None:
        self._sock.close()

    def _drain(self) -> None:
        """Serve up to BATCH datagrams, finished answers first."""
        recvfrom, sendto = self._sock.recvfrom, self._sock.sendto
        rows, active = self._door.rows, self._repeats.active
        now, wall = self._clock.monotonic(), self._clock.wall()
        hits = 0
        try:
            for _ in range(BATCH):
                wire, address = recvfrom(LARGEST)
                row = rows.get(address[0])
                if row is not None:
                    cell = row.get(wire[2:])
                    if cell is not None and now < (entry := cell.entry).until:
                        sendto(wire[:2] + entry.next_tail(), address)
                        if not cell.count:
                            cell.first = wall
                            active.append(cell)
                        cell.count += 1
                        cell.last = wall
                        hits += 1
                        continue
                self._together = True
                self._front.receive(wire, self._door, _UdpCaller(self, address))
                active = self._repeats.active
        except BlockingIOError:
            pass
        except OSError:
            self._errors.inc()
        finally:
            self._flush()
        if hits:
            self._repeats.hits += hits
            self._repeats.seconds += self._clock.monotonic() - now

    def send(self, wire: bytes, address: Address, control: Control) -> None:
        """Send a reply, from the address that `control` says.

        Replies of one turn of the event loop leave some at a time: the client then wakes once for all of them.
        """
        if not self._together:
            if self._loop is None:
                self._send(wire, address, control)
                return
            self._together = True
            self._loop.call_soon(self._flush)
        self._replies.append((wire, address, control))
        if len(self._replies) >= TOGETHER:
            self._flush()
            self._together = True

    def _flush(self) -> None:
        replies, self._replies, self._together = self._replies, [], False
        for wire, address, control in replies:
            self._send(wire, address, control)

    def _send(self, wire: bytes, address: Address, control: Control) -> None:
        try:
            if control:
                self._sock.sendmsg([wire], control, 0, address)
            else:
                self._sock.sendto(wire, address)
        except (OSError, ValueError):
            self._errors.inc()

    def _drain_slowly(self) -> None:
        """Serve up to BATCH datagrams, each with the address it was sent to, and each told to the observers."""
        try:
            for _ in range(BATCH):
                wire, control, _flags, address = self._sock.recvmsg(LARGEST, 64)
                ip, leaving = _arrival(control)
                self._together = True
                self._front.receive(wire, self._door, _UdpCaller(self, address, ip, leaving))
        except BlockingIOError:
            pass
        except OSError:
            self._errors.inc()
        finally:
            self._flush()


class _UdpCaller(Caller):
    __slots__ = ("_address", "_control", "_listener")

    def __init__(self, listener: UdpListener, address: Address, ip: str = "", control: Control = ()) -> None:
        # As the parent would: a call less on the way of every query.
        source = address[0]
        self.source = source if ":" not in source else plain(source)
        self.port = address[1]
        self.ip = ip
        self._listener = listener
        self._address = address
        self._control = control

    def send(self, wire: bytes) -> None:
        self._listener.send(wire, self._address, self._control)


def _arrival(control: Control) -> tuple[str, Control]:
    """The address a datagram came to, and the control data that make the reply leave from it."""
    for level, kind, data in control:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO:
            _interface, _, ip = _PKTINFO4.unpack(data[: _PKTINFO4.size])
            reply = _PKTINFO4.pack(0, ip, ip)
            return socket.inet_ntop(socket.AF_INET, ip), [(level, kind, reply)]
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            ip, interface = _PKTINFO6.unpack(data[: _PKTINFO6.size])
            return socket.inet_ntop(socket.AF_INET6, ip), [(level, kind, _PKTINFO6.pack(ip, interface))]
    return "", ()
