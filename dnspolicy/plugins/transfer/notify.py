"""Telling secondaries that a zone has changed (RFC 1996)."""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import suppress

from dnspolicy.chain.metrics import Counter
from dnspolicy.model.name import Name
from dnspolicy.plugins.transfer.config import Secondary
from dnspolicy.wire.transfer import encode_notify, notify_taken

_log = logging.getLogger(__name__)
PATIENCE = (2.0, 4.0, 8.0)
"""Seconds to wait for each attempt's reply."""
AT_ONCE = 16
"""Announcements under way."""

Errand = tuple[Name, Secondary]


class Notifier:
    """Sends announcements in the background, from `source` when it is given.

    One that is still waiting for its turn is not asked for twice; one that changes while it is under way is sent again.
    """

    def __init__(self, source: str | None, sent: Counter) -> None:
        self._source = source
        self._sent = sent
        self._due: dict[Errand, None] = {}
        self._under_way: dict[Errand, asyncio.Task[None]] = {}

    def notify(self, zone: Name, secondaries: tuple[Secondary, ...]) -> None:
        """Tell everyone. Returns at once; to be called on the event loop."""
        self._due.update(((zone, secondary), None) for secondary in secondaries)
        self._go_on()

    async def stop(self) -> None:
        """Give up on what is under way."""
        self._due.clear()
        for task in list(self._under_way.values()):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._under_way.clear()

    def _go_on(self) -> None:
        for errand in [errand for errand in self._due if errand not in self._under_way]:
            if len(self._under_way) >= AT_ONCE:
                return
            del self._due[errand]
            self._under_way[errand] = asyncio.create_task(self._run(errand))

    async def _run(self, errand: Errand) -> None:
        zone, secondary = errand
        try:
            result = await self._tell(zone, secondary)
        except OSError as problem:
            result = "failed"
            _log.warning("transfer: %s cannot be told that %s has changed: %s", secondary, zone, problem)
        else:
            if result != "accepted":
                _log.warning("transfer: %s was told that %s has changed: %s", secondary, zone, result)
        self._sent.inc((result,))
        self._under_way.pop(errand, None)
        self._go_on()

    async def _tell(self, zone: Name, secondary: Secondary) -> str:
        """How it ended: accepted, refused or unanswered. Raises OSError."""
        loop = asyncio.get_running_loop()
        local = (self._source, 0) if self._source is not None else None
        answer = _Answer(loop.create_future())
        transport, _ = await loop.create_datagram_endpoint(
            lambda: answer, remote_addr=(secondary.host, secondary.port), local_addr=local
        )
        try:
            for seconds in PATIENCE:
                answer.expected = encode_notify(zone, secrets.randbelow(65536))
                transport.sendto(answer.expected)
                done, _pending = await asyncio.wait((answer.taken,), timeout=seconds)
                if done:
                    return "accepted" if answer.taken.result() else "refused"
            return "unanswered"
        finally:
            transport.close()


class _Answer(asyncio.DatagramProtocol):
    """Waits for the reply to the last announcement sent."""

    def __init__(self, taken: asyncio.Future[bool]) -> None:
        self.taken = taken
        self.expected = b""

    def datagram_received(self, data: bytes, addr: object) -> None:
        result = notify_taken(self.expected, data)
        if result is not None and not self.taken.done():
            self.taken.set_result(result)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there yet; the next attempt may find somebody."""
