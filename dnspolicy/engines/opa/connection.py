"""One connection to an OPA: one request at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import cast

from dnspolicy.engines.opa.http import Malformed, Reading, Reply
from dnspolicy.model.errors import DnsPolicyError


class Kind(StrEnum):
    """What went wrong with a request, as in the metric."""

    CONNECT = "connect"
    CLOSED = "closed"
    BUSY = "busy"
    TIMEOUT = "timeout"
    MALFORMED = "malformed"
    STATUS = "status"
    REFUSED = "refused"
    BROKEN_OFF = "broken_off"
    BAD_REPLY = "bad_reply"


class Lost(DnsPolicyError):
    """A request that got no reply.

    `again`: it was certainly not answered, for the connection had been idle and ended without a byte.
    """

    def __init__(self, kind: Kind, text: str, again: bool = False) -> None:
        super().__init__(text)
        self.kind = kind
        self.again = again


class Exchange:
    """A request and its reply to be. `most` is how many bytes the reply's body may have."""

    __slots__ = ("connection", "fresh", "future", "most", "request")

    def __init__(self, request: bytes, most: int, future: asyncio.Future[Reply], fresh: bool = False) -> None:
        self.request = request
        self.most = most
        self.future = future
        self.fresh = fresh
        self.connection: Connection | None = None


Told = Callable[["Connection"], None]


class Connection(asyncio.Protocol):
    """Tells when it stands, when it is free again and when it has ended. `idle_since` is monotonic time.

    `retired`: it takes no more requests. `ended_here`: it was this side that ended it.
    """

    def __init__(self, joined: Told, free: Told, ended: Told) -> None:
        self._joined = joined
        self._free = free
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._reading: Reading | None = None
        self._used = False
        self.idle_since = 0.0
        self.retired = False
        self.ended_here = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own do not descend from it
        self._joined(self)

    def start(self, exchange: Exchange) -> None:
        """Send a request. Nobody else's may be under way."""
        assert self._transport is not None
        self._exchange, self._reading = exchange, Reading(exchange.most)
        exchange.connection = self
        self._transport.write(exchange.request)

    def data_received(self, data: bytes) -> None:
        exchange, reading = self._exchange, self._reading
        if exchange is None or reading is None:
            self.abort()  # nobody asked
            return
        try:
            reply = reading.feed(data)
        except Malformed as problem:
            self._fail(Lost(Kind.MALFORMED, f"no HTTP reply: {problem}"))
            self.abort()
            return
        if reply is None:
            return
        self._exchange = self._reading = None
        self._used = True
        if not exchange.future.done():
            exchange.future.set_result(reply)
        if reply.keeps and not self.retired:
            self._free(self)
        else:
            self.abort()

    def connection_lost(self, problem: Exception | None) -> None:
        reading = self._reading
        if reading is not None and reading.began:
            self._fail(Lost(Kind.BROKEN_OFF, "the reply broke off"))
        elif self._exchange is not None:
            self._fail(Lost(Kind.CLOSED, "the connection ended without a reply", again=self._used))
        self._ended(self)

    def abort(self) -> None:
        """End it at once, whatever is under way."""
        self.ended_here = True
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_ending(self) -> bool:
        """Whether the other side has ended it."""
        return self._transport is not None and self._transport.is_closing() and not self.ended_here

    @property
    def is_usable(self) -> bool:
        """Whether it takes another request."""
        return self._transport is not None and not self._transport.is_closing() and not self.retired

    def _fail(self, problem: Lost) -> None:
        exchange, self._exchange, self._reading = self._exchange, None, None
        if exchange is not None and not exchange.future.done():
            exchange.future.set_exception(problem)
