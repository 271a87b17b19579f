"""Where the cluster index is filled from."""

from __future__ import annotations

from typing import Protocol

from dnspolicy.cluster.index import Index
from dnspolicy.cluster.things import Collection, Follower


class ClusterSource(Protocol):
    """Fills one index for as long as it is started. The same configuration is the same source, also after a reload."""

    @property
    def index(self) -> Index: ...

    async def start(self) -> None:
        """Begin to fill the index in the background. Once started, it does nothing."""
        ...

    async def stop(self) -> None:
        """End that. The index keeps what it holds; it can be started again."""
        ...

    async def synced(self, seconds: float) -> bool:
        """Whether the index is complete, after a wait of at most so many seconds."""
        ...

    def follow(self, collection: Collection) -> Follower:
        """Fill a collection too, while this is started. Stopped, the collection keeps what it holds."""
        ...

    def complaints(self) -> tuple[str, ...]:
        """What is wrong now, one complaint a line."""
        ...
