"""The room: sends a question that nobody can guess, and counts how often it comes by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.plugin import NO_FACTS, AskNext
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query, Via
from dnspolicy.model.rr import Rcode, Type
from dnspolicy.plugins.loop.config import Config
from dnspolicy.plugins.loop.probe import Probe, asked_once, invented

MOST = 2
"""Times that a probe may come by: once sent by the room, once more by somebody who repeats it."""


class Times(msgspec.Struct, frozen=True):
    """Seconds: the whole search, one probe without an answer, between two probes, after an answer."""

    search: float = 30.0
    answer: float = 2.0
    pause: float = 1.0
    echo: float = 2.0


class Loop:
    """Asks the server itself at the start, and calls `halt` with the reason when the question goes in a circle.

    `zone` is that of the probe, `listen` and `port` where the server block listens (no address: everywhere). A probe
    is only counted while it is under way, and each arrival is passed on under another name, so that neither a cache
    nor the merging of equal questions hides a circle.
    """

    name = "loop"
    reads = NO_FACTS

    def __init__(
        self,
        config: Config,
        *,
        zone: Name,
        listen: str,
        port: int,
        halt: Callable[[str], None],
        times: Times | None = None,
    ) -> None:
        self._zone = zone
        self._listen = listen
        self._port = port
        self._halt = halt
        self._times = times or Times()
        self._probe: Probe | None = None
        self._task: asyncio.Task[None] | None = None

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        probe = self._probe
        if probe is None or query.qtype != Type.HINFO or query.name not in probe.names:
            return await ask_next(query, ctx)
        probe.seen += 1
        if probe.seen > MOST:
            self._probe = None
            self._halt(self._reason(query, ctx))
            return Answer(int(Rcode.SERVFAIL), made_by=self.name)
        return await ask_next(query.renamed(probe.add(invented(self._zone)), Via.REWRITE), ctx)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._search(), name="loop")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _search(self) -> None:
        try:
            async with asyncio.timeout(self._times.search):
                while True:
                    if await self._probed():
                        await asyncio.sleep(self._times.echo)
                        break
                    await asyncio.sleep(self._times.pause)
        except TimeoutError:
            pass
        finally:
            self._probe = None

    async def _probed(self) -> bool:
        """Send one probe; whether it came by here and was answered."""
        name = invented(self._zone)
        probe = self._probe = Probe(name)
        query = Query(name, int(Type.HINFO), name)
        answered = await asked_once(query, self._listen or "127.0.0.1", self._port, self._times.answer)
        return answered and probe.seen > 0

    def _reason(self, query: Query, ctx: QueryContext) -> str:
        zone = self._zone.dotted
        here = f"[{self._listen}]:{self._port}" if ":" in self._listen else f"{self._listen}:{self._port}"
        source = f"[{ctx.source}]" if ":" in ctx.source else ctx.source
        return (
            f'[FATAL] plugin/loop: Loop ({source}:{ctx.port} -> {here}) detected for zone "{zone}": '
            f'an upstream sends the questions back to this server. Query: "HINFO {query.name}."'
        )
