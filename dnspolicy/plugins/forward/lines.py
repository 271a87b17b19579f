"""The ways to the upstreams: how a question gets out, and who looks after an upstream that failed."""

from __future__ import annotations

from dnspolicy.model.query import Transport
from dnspolicy.plugins.forward.attempt import Step
from dnspolicy.plugins.forward.exchange import Broke, Exchange, Heard, UdpExchange
from dnspolicy.plugins.forward.match import Expected
from dnspolicy.plugins.forward.peer import Peer
from dnspolicy.plugins.forward.streams import Pool, StreamExchange
from dnspolicy.plugins.forward.ties import Ties


class Lines:
    """Connections are kept per upstream, as long as there are any."""

    __slots__ = ("_pools", "ties")

    def __init__(self, ties: Ties) -> None:
        self.ties = ties
        self._pools: dict[Peer, Pool] = {}

    def send(self, step: Step, wire: bytes, expected: Expected, now: float, heard: Heard, broke: Broke) -> Exchange:
        """Send one question. Raises OSError when it cannot be sent."""
        if step.transport is Transport.UDP:
            over_udp = UdpExchange(step, expected, now, heard, broke)
            over_udp.send(self.ties.waiters, wire)
            return over_udp
        exchange = StreamExchange(step, expected, now, heard, broke)
        exchange.send(self._pool(step.peer), wire)
        return exchange

    def _pool(self, peer: Peer) -> Pool:
        pool = self._pools.get(peer)
        if pool is None:
            pool = Pool(peer, self.ties)
            if peer.gone:
                pool.retire()
            else:
                self._pools[peer] = pool
        return pool

    def forget(self, peer: Peer) -> None:
        """An upstream is no longer one of ours: close what is not in use."""
        peer.gone = True
        pool = self._pools.pop(peer, None)
        if pool is not None:
            pool.retire()

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        self.ties.close()
