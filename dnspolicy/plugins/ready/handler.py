"""The room: `/ready`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from dnspolicy.chain.http import HttpListeners, Page, Route
from dnspolicy.chain.plugin import Readiness
from dnspolicy.plugins.ready.config import Config, Monitor

PATH = "/ready"
MAX_REASON = 200
"""Characters of a reason that are shown."""


class Room(msgspec.Struct, frozen=True, eq=False):
    """A room that can say whether it is ready. `name` is what is shown."""

    name: str
    readiness: Readiness

    def missing(self) -> str | None:
        """What stands against being ready, one line, escaped; None when nothing does."""
        reason = self.readiness.not_ready()
        return None if reason is None else f"{self.name}: {_plain(reason)}"


class Ready:
    """Answers 200 when no room has a reason against it, else 503 with the rooms and their reasons, one a line.

    `rooms` gives the rooms of all server blocks; it is asked with every request, so it may be filled later.
    `start` raises ConfigError when the address cannot be listened on. After `drain` it answers 503 for good.
    """

    name = "ready"

    def __init__(self, config: Config, *, listeners: HttpListeners, rooms: Callable[[], Iterable[Room]]) -> None:
        self._config = config
        self._listeners = listeners
        self._rooms = rooms
        self._were_ready: dict[int, Readiness] = {}
        self._draining = False
        self._route: Route | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before the start."""
        return self._route.port if self._route else 0

    async def start(self) -> None:
        self._route = await self._listeners.open(self._config.listen, PATH, self._page, owner=self.name)

    async def drain(self) -> None:
        self._draining = True

    async def stop(self) -> None:
        route, self._route = self._route, None
        if route is not None:
            await self._listeners.close(route)

    def missing(self) -> tuple[str, ...]:
        """What stands against being ready, one line each, escaped."""
        if self._draining:
            return ("server: shutting down",)
        lines = []
        for room in self._rooms():
            if self._config.monitor is Monitor.UNTIL_READY and id(room.readiness) in self._were_ready:
                continue
            line = room.missing()
            if line is None:
                self._were_ready[id(room.readiness)] = room.readiness
            else:
                lines.append(line)
        return tuple(lines)

    async def _page(self, accept: str) -> Page:
        missing = self.missing()
        if missing:
            return Page(503, "".join(f"{line}\n" for line in missing).encode())
        return Page(200, b"OK")


def _plain(text: str) -> str:
    return text[:MAX_REASON].encode("unicode_escape").decode("ascii")
