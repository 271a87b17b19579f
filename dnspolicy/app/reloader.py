"""Notices a changed Corefile, and puts it in force if it is sound."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path

from dnspolicy.app.app import App
from dnspolicy.app.plan import Plan
from dnspolicy.corefile.files import MAX_BYTES
from dnspolicy.corefile.regular import read_regular
from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.plugins import reload

SETTLE = 0.1
"""Seconds after which a changed file must still read the same."""
log = logging.getLogger("dnspolicy.reload")


class Reloader:
    """Watches the Corefile and what it imports.

    `files` says which files those are now, `read` reads them anew and raises ConfigError; both are called in a thread.
    `asked`, when set, asks for a look at once, which tries even what was refused before. `in_force` is the digest that
    the files had when the plan in force was read from them.

    Without a `reload` directive in force it only acts when `look` is asked for.
    """

    def __init__(
        self,
        app: App,
        *,
        files: Callable[[], tuple[Path, ...]],
        read: Callable[[], Plan],
        asked: asyncio.Event,
        in_force: str,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._app = app
        self._files = files
        self._read = read
        self._chance = chance
        self._asked = asked
        self._task: asyncio.Task[None] | None = None
        metrics = app.parts.metrics
        self._failed = metrics.counter(
            "coredns_reload_failed_total", "Counter of the number of failed reload attempts."
        )
        self._info = metrics.gauge(
            "coredns_reload_version_info", "The SHA-512 of the files in force.", ("hash", "value")
        )
        self._in_force = self._tried = in_force
        self._info.set(1.0, ("sha512", self._in_force))

    async def start(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="reload")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def _watch(self) -> None:
        while True:
            await self._pause()
            try:
                await self._look()
            except Exception:
                self._failed.inc()
                log.exception("reload: looking at the Corefile failed; the configuration in force stays")

    async def _pause(self) -> None:
        config = next((c for block in self._app.current.plan.blocks for c in block.all(reload.Config)), None)
        pause = None if config is None else config.pause(self._chance())
        try:
            async with asyncio.timeout(pause):  # `wait_for` may lose a cancellation that comes with the event
                await self._asked.wait()
        except TimeoutError:
            return
        self._asked.clear()
        self._tried = self._in_force

    async def _look(self) -> None:
        found = await asyncio.to_thread(self._digest)
        if found == self._tried:
            return
        while True:
            while (later := await self._settled()) != found:
                found = later
            self._tried = found
            if found == self._in_force:
                log.info("reload: the Corefile is again as it is in force")
                return
            if await self._replace(found):
                return
            found = await asyncio.to_thread(self._digest)

    async def _settled(self) -> str:
        """What the files read after a moment: the same as before when nobody is writing them."""
        await asyncio.sleep(SETTLE)
        return await asyncio.to_thread(self._digest)

    def _digest(self) -> str:
        return digest(self._files())

    async def _replace(self, found: str) -> bool:
        """Put in force what the files say, which is `found`; False when they have changed while they were read."""
        log.info("reload: the Corefile has changed")
        try:
            plan = await asyncio.to_thread(self._read)
            if await asyncio.to_thread(self._digest) != found:
                return False
            await self._app.replace(plan)
        except DnsPolicyError as problem:
            self._failed.inc()
            log.error("reload: the configuration in force stays; the new one is refused:\n%s", problem)
            return True
        self._info.values.clear()
        self._in_force = self._tried = found
        self._info.set(1.0, ("sha512", found))
        log.info("reload: configuration SHA512 %s is in force", found)
        return True


def digest(files: Iterable[Path]) -> str:
    """The SHA-512 of some files, hexadecimal; a file that cannot be read counts as such."""
    total = hashlib.sha512()
    for path in sorted(set(files)):
        total.update(os.fsencode(path) + b"\0")
        try:
            data = read_regular(path, MAX_BYTES).raw
        except (OSError, ValueError) as problem:
            data = f"cannot be read: {getattr(problem, 'errno', '')}".encode()
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()
