"""The question that is sent, and how."""

from __future__ import annotations

import asyncio
import secrets

from dnspolicy.model.name import Name, from_labels
from dnspolicy.model.query import Query
from dnspolicy.wire.message import OUR_SIZE, encode_query

BITS = 62
"""Of each of the two random labels."""


class Probe:
    """One probe under way: the names it goes by, and how often one of them came by. The names are few: see `MOST`."""

    __slots__ = ("names", "seen")

    def __init__(self, name: Name) -> None:
        self.names = {name}
        self.seen = 0

    def add(self, name: Name) -> Name:
        self.names.add(name)
        return name


def invented(zone: Name) -> Name:
    """A name in `zone` that cannot be guessed."""
    labels = (str(secrets.randbits(BITS)).encode() for _ in range(2))
    return from_labels((*labels, *zone.labels))


async def asked_once(query: Query, ip: str, port: int, seconds: float) -> bool:
    """Send a question over UDP, once; whether any answer came within `seconds`."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[bool] = loop.create_future()
    try:
        transport, _ = await loop.create_datagram_endpoint(lambda: _Waiting(answered), remote_addr=(ip, port))
    except OSError:
        return False
    try:
        transport.sendto(encode_query(query, secrets.randbits(16), OUR_SIZE))
        async with asyncio.timeout(seconds):
            return await answered
    except TimeoutError:
        return False
    finally:
        transport.close()


class _Waiting(asyncio.DatagramProtocol):
    def __init__(self, answered: asyncio.Future[bool]) -> None:
        self._answered = answered

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._tell(True)

    def error_received(self, exc: Exception) -> None:
        self._tell(False)

    def _tell(self, answered: bool) -> None:
        if not self._answered.done():
            self._answered.set_result(answered)
