"""One address of an OPA: its connections, its breaker, and what is known of its policy."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from dnspolicy import __version__
from dnspolicy.engines.opa.breaker import Breaker
from dnspolicy.engines.opa.connection import Kind, Lost
from dnspolicy.engines.opa.credentials import Credentials
from dnspolicy.engines.opa.documents import Held
from dnspolicy.engines.opa.holding import Holding
from dnspolicy.engines.opa.http import Reply, request, write_head
from dnspolicy.engines.opa.measures import Measures
from dnspolicy.engines.opa.pool import Pool
from dnspolicy.policy.settings.opa import Address

MAX_DECISION = 512 * 1024
"""Bytes that the reply to a question may have."""
STALL_SECONDS = 0.005
"""A time-out noticed so much later than it was due says that this process had no time, not that OPA had none."""
_COUNTED = frozenset(
    {Kind.CONNECT, Kind.CLOSED, Kind.TIMEOUT, Kind.MALFORMED, Kind.BROKEN_OFF, Kind.STATUS, Kind.REFUSED}
)
"""What counts against an address. A reply to one question that is no decision does not: questions are strangers'."""
_REFUSED = (401, 403)
_AWAY = (429, 502, 503, 504)


class Door:
    """`holding` is what the address was last seen to have; `sure` is false while it may have something else by now.

    `seen` is what its last decision said of where it comes from, `held` what it has of documents from here, `losses`
    how often a connection went away. `doubt` is called when `sure` has become false.
    """

    def __init__(
        self,
        address: Address,
        target: str,
        size: int,
        *,
        credentials: Callable[[], Credentials],
        server_name: str,
        monotonic: Callable[[], float],
        measures: Measures,
        doubt: Callable[[], None],
    ) -> None:
        self.address = address
        self.breaker = Breaker()
        self.holding: Holding | None = None
        self.sure = False
        self.losses = 0
        self.seen = b""
        self.held = Held()
        self._credentials = credentials
        self._target = target
        self._now = monotonic
        self._measures = measures
        self._doubt = doubt
        self.pool = Pool(
            address, size, tls=self._tls, server_name=server_name, monotonic=monotonic, lost=self._lost_one
        )
        self.renew()

    def renew(self) -> None:
        """Use credentials that changed."""
        token = self._credentials().token
        common = (("User-Agent", f"dnspolicy/{__version__}"), ("Accept-Encoding", "identity"))
        self._fields = (*common, ("Authorization", f"Bearer {token}")) if token else common
        self._head = self._write("POST", self._target)

    def _write(self, method: str, target: str) -> bytes:
        fields = (("Content-Type", "application/json"), *self._fields)
        return write_head(method, target, self.address.authority, fields)

    def _tls(self) -> ssl.SSLContext | None:
        return self._credentials().tls

    async def decide(self, body: bytes, deadline: float) -> Reply:
        """The reply to a question. Raises Lost. The breaker must have admitted it."""
        name, began = self.address.text, self._now()
        self._measures.asked(name)
        try:
            reply = await self.pool.ask(request(self._head, body), MAX_DECISION, deadline - began)
            ended = self._now()
            if ended > deadline:
                raise Lost(Kind.TIMEOUT, "no reply in time")
            if reply.status != 200:
                _check(reply)
        except Lost as problem:
            self._failed(problem, deadline)
            raise
        except BaseException:
            self.breaker.gave_up()
            raise
        self.breaker.succeeded(ended)
        self._measures.answered(name, ended - began)
        return reply

    def _failed(self, problem: Lost, deadline: float) -> None:
        self._measures.failed(self.address.text, problem.kind)
        now = self._now()
        stalled = problem.kind is Kind.TIMEOUT and now - deadline > STALL_SECONDS
        if problem.kind in _COUNTED and not stalled:
            self.breaker.failed(now)
        else:
            self.breaker.gave_up()

    def bad_reply(self) -> None:
        """Count a reply that was no decision."""
        self._measures.failed(self.address.text, Kind.BAD_REPLY)

    def skipped(self) -> None:
        """Count a question that was not put."""
        self._measures.skipped(self.address.text)

    async def ask(self, method: str, target: str, body: bytes, most: int, seconds: float) -> Reply:
        """The reply to anything else. Raises Lost."""
        return await self.pool.ask(request(self._write(method, target), body), most, seconds)

    def _lost_one(self) -> None:
        """A connection went away: what comes back may have another policy."""
        self.losses += 1
        self.sure = False
        self._doubt()

    async def close(self) -> None:
        """End all connections."""
        await self.pool.close()
        self._measures.forget(self, self.address.text)

    def show(self) -> None:
        """Set the metrics that are looked up."""
        known = self.sure and self.holding is not None and self.holding.matches
        self._measures.show(self, self.address.text, self.breaker.state, len(self.pool), known)


def _check(reply: Reply) -> None:
    """Raises Lost for what says something of the address, not of the question."""
    if reply.status in _REFUSED:
        raise Lost(Kind.REFUSED, f"it refuses us: status {reply.status}")
    if reply.status in _AWAY:
        raise Lost(Kind.STATUS, f"it is not ready: status {reply.status}")
