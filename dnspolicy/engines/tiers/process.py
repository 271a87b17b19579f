"""The process that evaluates policies of namespaces, as the server sees it: what was asked, in order, and its end."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from typing import cast

import msgspec

from dnspolicy.chain.apart import environment
from dnspolicy.engines.tiers.messages import Ask, Forget, Put, Said, SaidReader, frame
from dnspolicy.policy.settings.failure import FailureKind

MODULE = "dnspolicy.engines.tiers.evaluate_process"
GONE = 1.0
"""Seconds in which a process whose connection is closed ends by itself."""
STUCK = 5.0
"""Seconds after which a process that answers nothing is ended; what uses the processor so long ends itself before."""


ENDED = Said(failure=FailureKind.UNAVAILABLE, text="the process that evaluates it ended")


class Asked(msgspec.Struct, frozen=True):
    """A message under way. `told` is called once with the answer."""

    namespace: str
    told: Callable[[Said], None]


_START = Asked("", lambda _: None)
"""Stands before all that is asked until the process says that it is there: what ends it before is nobody's policy."""


class Last(msgspec.Struct, frozen=True):
    """Whose policy was being evaluated when the process ended, for how many seconds."""

    namespace: str
    seconds: float


Ended = Callable[["Process", Last | None], None]


class Process(asyncio.Protocol):
    """`ended` is called once, with what was being evaluated then; None when nothing was.

    After that, what was under way is told that nobody can be asked.
    """

    def __init__(self, ended: Ended, monotonic: Callable[[], float]) -> None:
        self._ended = ended
        self._now = monotonic
        self._transport: asyncio.Transport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reader = SaidReader()
        self._under_way = deque([_START])
        self._began = monotonic()
        """When the first of what is under way got its turn, as far as can be known here."""
        self.ready: set[int] = set()
        """The numbers of policies that can be asked."""

    @classmethod
    async def begin(cls, share: float, ended: Ended, monotonic: Callable[[], float]) -> Process:
        """Start one. Raises OSError."""
        here, there = socket.socketpair()
        with there:
            try:
                process = await asyncio.to_thread(_start, share, there)
            except BaseException:
                here.close()
                raise
        loop = asyncio.get_running_loop()
        try:
            _, made = await loop.create_unix_connection(lambda: cls(ended, monotonic), sock=here)
        except BaseException:
            here.close()
            process.kill()
            raise
        made._process = process
        return made

    def ask(self, message: Ask | Put, namespace: str, told: Callable[[Said], None]) -> None:
        """Send what is answered."""
        if not self._under_way:
            self._began = self._now()
        self._under_way.append(Asked(namespace, told))
        self._send(message)

    def forget(self, slot: int) -> None:
        self.ready.discard(slot)
        self._send(Forget(slot))

    def _send(self, message: Ask | Put | Forget) -> None:
        assert self._transport is not None
        self._transport.write(frame(message))

    def look(self) -> None:
        """End it if it has been silent for too long."""
        if self._under_way and self._now() - self._began > STUCK:
            self.kill()

    def kill(self) -> None:
        """End it at once. What is under way fails."""
        if self._process is not None:
            self._process.kill()

    async def end(self) -> int:
        """End it and wait until it is gone; how it ended, negative for a signal."""
        if self._transport is not None:
            self._transport.abort()
        assert self._process is not None
        try:
            return await asyncio.to_thread(self._process.wait, GONE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return await asyncio.to_thread(self._process.wait)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own do not descend from it

    def data_received(self, data: bytes) -> None:
        self._began = self._now()
        try:
            for said in self._reader.feed(data):
                if not self._under_way:
                    raise ValueError("an answer to nothing")
                self._under_way.popleft().told(said)
        except (msgspec.MsgspecError, ValueError):
            self.kill()

    def connection_lost(self, problem: Exception | None) -> None:
        under_way, self._under_way = self._under_way, deque()
        last = under_way[0].namespace if under_way else ""
        self._ended(self, Last(last, self._now() - self._began) if last else None)
        for asked in under_way:
            asked.told(ENDED)


def _start(share: float, there: socket.socket) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", MODULE, repr(share)]
    return subprocess.Popen(
        command, stdin=there.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
    )
