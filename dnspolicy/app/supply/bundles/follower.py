"""Follows one bundle behind a URL."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

import msgspec

from dnspolicy.app.supply.bundles.measures import BundleMeasures
from dnspolicy.app.supply.bundles.places import BundlePlace
from dnspolicy.bundle import Bundle
from dnspolicy.chain.clock import Clock
from dnspolicy.feeds.failures import FeedFailure
from dnspolicy.feeds.fetch import Fetched, Fetcher
from dnspolicy.model.errors import DnsPolicyError, PolicyLoadError

log = logging.getLogger("dnspolicy.policy")


class Whole(Protocol):
    """All bundles of a policy, by number."""

    async def take(self, number: int, bundle: Bundle) -> None:
        """Put a bundle in force, with the others. Raises PolicyLoadError when it cannot be."""
        ...

    def holds(self, number: int, bundle: Bundle) -> bool:
        """Whether that is what is in force."""
        ...


class Follower:
    """One URL. `number` says which of the bundles it is; `problem` is why there is no newer one, or empty.

    Without `keeps` its copy on disk is read and not written.
    """

    def __init__(
        self, number: int, place: BundlePlace, whole: Whole, measures: BundleMeasures, clock: Clock, keeps: bool
    ) -> None:
        self._number = number
        self._place = place
        self._whole = whole
        self._clock = clock
        self._offered: Bundle | None = None
        self._measures = measures
        self._fetcher = Fetcher(msgspec.structs.replace(place.origin(), writes=keeps), clock, log)
        self.problem = ""

    async def restore(self) -> None:
        """Take the copy on disk, if there is one; its signature is checked like any other."""
        await self._fetcher.restore(self)

    async def once(self) -> float:
        """Ask once. Returns the seconds to wait before the next time."""
        return await self._fetcher.once(self)

    async def follow(self) -> None:
        """Ask until cancelled."""
        while True:
            pause = self._place.line.every
            try:
                pause = await self.once()  # type: ignore[assignment]
            except Exception:  # a fault of ours must not end the following
                log.exception("looking for bundle %s failed; the one in force stays", self._place.name)
            await asyncio.sleep(pause)

    async def close(self) -> None:
        await self._fetcher.close()

    async def take(self, fetched: Fetched) -> None:
        self._offered = None
        try:
            self._offered = bundle = await asyncio.to_thread(self._place.open, fetched.body)
        except PolicyLoadError:
            self._measures.refused()
            raise
        await self._whole.take(self._number, bundle)
        if fetched.kept:
            log.warning("bundle %s is the copy on disk until its server answers", self._place.name)
        self.confirmed(fetched.at)

    def confirmed(self, at: float) -> None:
        self._measures.confirmed(self._place.name, at)
        if self.problem:
            self.problem = ""
            log.info("bundle %s can be had again", self._place.name)

    def failed(self, problem: DnsPolicyError) -> None:
        came = not isinstance(problem, FeedFailure) and self._offered is not None
        if came and self._offered and self._whole.holds(self._number, self._offered):
            self.confirmed(self._clock.wall())  # refused at first, and taken when another one came
            return
        self._measures.failed(self._place.name, problem)
        text = str(problem) if not isinstance(problem, FeedFailure) else f"bundle {self._place.name}: {problem}"
        if text != self.problem:  # said once
            self.problem = text
            log.error("no new policy:\n%s", text)
