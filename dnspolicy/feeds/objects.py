"""Documents out of objects of the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.cluster.objects import Thing
from dnspolicy.cluster.things import Collection, Follower, Wanted, encode
from dnspolicy.feeds.document import Document, Told, encoded, revision_of
from dnspolicy.feeds.failures import FeedFailure, Reason
from dnspolicy.feeds.formats import json_of, yaml_of

CONFIRM_SECONDS = 5.0
"""How often the age of what does not change is looked at."""
Follow = Callable[[Collection], Follower]


class ObjectsSource:
    """Objects as the cluster has them, at most one document in `every` seconds."""

    def __init__(self, wanted: Wanted, follow: Follow, clock: Clock, *, every: float) -> None:
        self._wanted = wanted
        self._follow = follow
        self._clock = clock
        self._every = every

    async def run(self, told: Told) -> None:
        moved = asyncio.Event()
        collection = Collection(self._wanted, moved.set, self._clock)
        follower = self._follow(collection)
        moved.set()
        try:
            while True:
                changed = await _wait(moved)
                moved.clear()
                await self._tell(collection, told, changed)
                if changed:
                    await asyncio.sleep(self._every)
        finally:
            await follower.end()

    async def _tell(self, collection: Collection, told: Told, changed: bool) -> None:
        if collection.problem:
            told.failed(FeedFailure(Reason.REFUSED, collection.problem))
        if collection.complete and changed:
            at = self._at(collection)
            held, namespaced = collection.copied(), collection.namespaced
            try:
                document = await asyncio.to_thread(self._document, held, namespaced, at)
            except FeedFailure as problem:
                told.failed(problem)
                return
            if document is None:
                told.gone(FeedFailure(Reason.MISSING, f"there is no {self._wanted}"))
            else:
                told.document(document)
        if collection.complete and not collection.problem:
            told.confirmed(self._at(collection))

    def _at(self, collection: Collection) -> float:
        """When the cluster last said something (seconds since 1970)."""
        if collection.heard is None:
            return self._clock.wall()
        return self._clock.wall() - (self._clock.monotonic() - collection.heard)

    def _document(self, held: dict[tuple[str, str], Thing], namespaced: bool, at: float) -> Document | None:
        """In a thread. Raises FeedFailure; None when there is none."""
        content = encode(held, namespaced)
        return Document(content, revision_of(content), at)


class ConfigMapSource(ObjectsSource):
    """The keys of one ConfigMap: `.json`, `.yaml` and `.yml` as documents, others as texts."""

    def __init__(self, namespace: str, name: str, follow: Follow, clock: Clock, *, every: float, limit: int) -> None:
        wanted = Wanted(resource="configmaps", fields=("data",), namespace=namespace, name=name, limit=limit)
        super().__init__(wanted, follow, clock, every=every)

    def _document(self, held: dict[tuple[str, str], Thing], namespaced: bool, at: float) -> Document | None:
        thing = next(iter(held.values()), None)
        if thing is None:
            return None
        try:
            data = msgspec.json.decode(thing.fields, type=_Fields).data or {}
        except msgspec.MsgspecError as problem:
            raise FeedFailure(Reason.BAD_DOCUMENT, f"{self._wanted}: {problem}") from None
        content = encoded({key: self._value(key, text) for key, text in sorted(data.items())})
        return Document(content, revision_of(content), at)

    def _value(self, key: str, text: str) -> Any:
        called = f"{self._wanted} {key}"
        match PurePosixPath(key).suffix:
            case ".json":
                return json_of(text.encode(), called)
            case ".yaml" | ".yml":
                return yaml_of(text.encode(), called)
            case _:
                return text


class _Fields(msgspec.Struct):
    data: dict[str, str] | None = None


async def _wait(moved: asyncio.Event) -> bool:
    """Whether there was a change, after a while at the latest."""
    try:
        async with asyncio.timeout(CONFIRM_SECONDS):
            await moved.wait()
    except TimeoutError:
        return False
    return True
