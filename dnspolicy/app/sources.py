"""The clusters that are being followed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from dnspolicy.app.generation import Generation
from dnspolicy.app.parts import Parts
from dnspolicy.cluster.source import ClusterSource
from dnspolicy.model.answer import Dependencies


class Sources:
    """Starts the sources a configuration names and stops those that none names any more.

    `changed` hears of every change in any of them.
    """

    def __init__(self, parts: Parts, changed: Callable[[Dependencies], None]) -> None:
        self._parts = parts
        self._changed = changed
        self._followed: dict[int, tuple[ClusterSource, Callable[[], None]]] = {}

    def follow(self, generation: Generation) -> list[ClusterSource]:
        """Hear of changes in its clusters. Those that were not heard of before."""
        fresh = [s for s in generation.rooms.sources if id(s) not in self._followed]
        for source in fresh:
            self._followed[id(source)] = (source, source.index.subscribe(self._changed))
        return fresh

    async def start(self, generation: Generation) -> None:
        """Keep its clusters up to date, and wait a while until those that are new are loaded."""
        self.follow(generation)
        for source in generation.rooms.sources:
            await source.start()
        timeout = generation.rooms.startup_timeout
        await asyncio.gather(*(source.synced(timeout) for source in generation.rooms.sources))

    async def retain(self, living: Iterable[Generation]) -> None:
        """Stop following every cluster but those of these configurations."""
        wanted = {id(source) for generation in living for source in generation.rooms.sources}
        for key in [k for k in self._followed if k not in wanted]:
            source, end = self._followed.pop(key)
            end()
            await source.stop()
        for source in [s for s in self._parts.sources.values() if id(s) not in wanted]:
            self._parts.forget(source)
