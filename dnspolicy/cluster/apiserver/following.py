"""Follows objects of any kind: finds out where they are served, then a reflector does the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from dnspolicy.chain.pauses import Pauses
from dnspolicy.cluster.apiserver.discovery import NOT_FOUND, Served, discover
from dnspolicy.cluster.apiserver.failures import ApiFailure, Reason
from dnspolicy.cluster.apiserver.reflector import Moved, Reflector, Tools
from dnspolicy.cluster.apiserver.resources import Resource
from dnspolicy.cluster.things import Collection, Trimmer, Wanted


class Followed:
    """One collection, filled while `begin` holds. What is gone from the API is looked for again."""

    def __init__(self, collection: Collection, ended: Callable[[Followed], None]) -> None:
        self.collection = collection
        self._ended = ended
        self._task: asyncio.Task[None] | None = None
        self._trimmer = Trimmer(collection.wanted)

    def begin(self, tools: Tools) -> None:
        """Follow by these means, which are those of the source."""
        shelf = msgspec.structs.replace(
            tools, index=self.collection, moved=_ignore, heard=self.collection.note_news, programmed=_ignore
        )
        self._task = asyncio.create_task(self._run(shelf), name=f"apiserver {self.collection.wanted}")

    async def pause(self) -> None:
        """Stop for now; what is held stays."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def end(self) -> None:
        self._ended(self)
        await self.pause()

    async def _run(self, tools: Tools) -> None:
        wanted = self.collection.wanted
        pauses = Pauses(tools.timing.pause_first, tools.timing.pause_most)
        while True:
            try:
                served = await discover(tools.client, wanted.resource, wanted.group, tools.timing.page)
            except ApiFailure as problem:
                self._say(tools, problem)
                await asyncio.sleep(pauses.next(problem.retry_after))
                continue
            self.collection.namespaced = served.namespaced
            try:
                await Reflector(self._resource(wanted, served), tools, False).run()
            except Moved as gone:
                self._say(tools, ApiFailure(Reason.STATUS, str(gone), NOT_FOUND))
            await asyncio.sleep(pauses.next())

    def _say(self, tools: Tools, problem: ApiFailure) -> None:
        tools.measures.failed(str(self.collection.wanted), problem.reason)
        if self.collection.problem != str(problem):
            tools.log.warning("%s: %s", self.collection.wanted, problem)
        self.collection.explain(None, str(problem))

    def _resource(self, wanted: Wanted, served: Served) -> Resource:
        space = f"/namespaces/{wanted.namespace}" if served.namespaced and wanted.namespace else ""
        return Resource(
            str(wanted),
            str(wanted),
            f"{served.root}{space}/{wanted.resource}",
            lambda data, share: self._trimmer.read(data, served.namespaced),
            f"metadata.name={wanted.name}" if wanted.name else "",
            labels=wanted.selector,
            every=0.0 if served.watched else wanted.every,
            namespaced=served.namespaced,
            found=True,
        )


def _ignore(*words: object) -> None:
    """The collection says itself when it has moved."""
