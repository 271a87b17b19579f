"""Credentials that stay fresh while a server runs."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.cluster.apiserver.credentials import Credentials, load, tls_context
from dnspolicy.cluster.apiserver.failures import ApiFailure, Reason
from dnspolicy.cluster.apiserver.options import Connect
from dnspolicy.corefile.credentials import read_token
from dnspolicy.corefile.regular import signature_of
from dnspolicy.model.errors import ConfigError

RENEW_LEAST = 5.0
"""Seconds between two loads that a refused request asks for."""
_EARLY = 0.2
"""Credentials that expire are renewed when this part of their life is left."""


class Ticket(msgspec.Struct, frozen=True, eq=False):
    """All a request needs."""

    host: str
    headers: dict[str, str]
    tls: ssl.SSLContext | None
    server_name: str

    @property
    def netloc(self) -> str:
        """Host and port, as metrics name the API server."""
        return self.host.partition("://")[2].partition("/")[0]


class Access:
    """Loads credentials in a thread: again when they expire, when their files changed, and when they are refused."""

    def __init__(
        self, connect: Connect, clock: Clock, every: float, loader: Callable[[Connect], Credentials] = load
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._every = every
        self._load = loader
        self._lock = asyncio.Lock()
        self._found: Credentials | None = None
        self._ticket: Ticket | None = None
        self._stamps: tuple[object, ...] = ()
        self._loaded = self._looked = 0.0
        self._renew_at: float | None = None

    async def ticket(self) -> Ticket:
        """Raises ApiFailure when there are no credentials."""
        async with self._lock:
            now = self._clock.monotonic()
            if self._ticket is None or now - self._looked >= self._every or self._expired():
                await self._in_thread(self._look, False)
            assert self._ticket is not None
            return self._ticket

    async def refused(self, ticket: Ticket) -> bool:
        """The API server does not know who this is (401): whether there is another ticket to try."""
        async with self._lock:
            if ticket is not self._ticket:
                return True
            if self._clock.monotonic() - self._loaded < RENEW_LEAST:
                return False
            await self._in_thread(self._look, True)
            return self._ticket is not ticket

    async def _in_thread(self, look: Callable[[bool], None], anew: bool) -> None:
        """Credentials that cannot be renewed are used as long as they are not refused."""
        try:
            await asyncio.to_thread(look, anew)
        except ConfigError as problem:
            self._looked = self._clock.monotonic()
            if self._ticket is None or anew:
                raise ApiFailure(Reason.CREDENTIALS, f"credentials: {problem}") from None

    def _expired(self) -> bool:
        due = self._renew_at is not None and self._clock.wall() >= self._renew_at
        return due and self._clock.monotonic() - self._loaded >= RENEW_LEAST

    def _look(self, anew: bool) -> None:
        """Load all again if need be, else only read the token."""
        found, ticket = self._found, self._ticket
        known = found.files if found is not None else ()
        stamps = _stamps(known)  # first: what changes while it is read is looked at again
        if found is None or ticket is None or anew or self._expired() or self._stamps != stamps:
            found = self._load(self._connect)
            ticket = Ticket(found.host, {}, tls_context(found), found.server_name)
        headers = {"Authorization": authorization} if (authorization := _authorization(found)) else {}
        if headers != ticket.headers:
            ticket = msgspec.structs.replace(ticket, headers=headers)
        if found is not self._found:
            self._took(found, stamps if found.files == known else _stamps(found.files))
        self._ticket = ticket
        self._looked = self._clock.monotonic()

    def _took(self, found: Credentials, stamps: tuple[object, ...]) -> None:
        """All of this could be used."""
        self._found = found
        self._stamps = stamps
        self._loaded = self._clock.monotonic()
        wall = self._clock.wall()
        self._renew_at = None if found.expires is None else wall + (found.expires - wall) * (1 - _EARLY)


def _authorization(found: Credentials) -> str:
    if not found.token_file:
        return found.authorization.strip()
    return f"Bearer {read_token(Path(found.token_file))}"


def _stamps(files: tuple[str, ...]) -> tuple[object, ...]:
    """What changes when a file does."""
    found: list[object] = []
    for name in files:
        try:
            found.append(signature_of(Path(name).stat()))
        except OSError:
            found.append(None)
    return tuple(found)
