"""Looking after one zone file: read at first, read again when it changes."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.plugin import Changed
from dnspolicy.chain.transfer import Told
from dnspolicy.model.answer import NOTHING, Dependencies, Freshness, Rests
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.name import Name, from_text
from dnspolicy.plugins.file.config import Config
from dnspolicy.plugins.file.source import Version, newer_version, read_version
from dnspolicy.plugins.file.zone import Zone

_log = logging.getLogger(__name__)


class Served:
    """One zone as it is served now. `fresh` is what its answers rest on."""

    __slots__ = ("_falls", "fresh", "name", "zone")

    def __init__(self, zone: Zone, falls: tuple[Name, ...] | None, fresh: Freshness) -> None:
        self.name = zone.name
        self.zone = zone
        self.fresh = fresh
        self._falls = falls

    def falls(self, name: Name) -> bool:
        """Whether the next room answers for a name that is not here."""
        falls = self._falls
        return falls is not None and (not falls or any(name.under(zone) for zone in falls))


class Watch:
    """`served` are the zones of the file. Raises ConfigError when it cannot be used."""

    def __init__(self, config: Config, names: tuple[Name, ...], changed: Changed, metrics: Metrics) -> None:
        self._config = config
        self._names = names
        self._path = Path(config.dbfile)
        self._changed = changed
        self.told: Told | None = None
        self._task: asyncio.Task[None] | None = None
        self._reloads = metrics.counter(
            "dnspolicy_file_reloads_total", "Changed zone files that were read, by result.", ("file", "result")
        )
        self._serials = metrics.gauge("dnspolicy_file_zone_serial", "The serial of a zone that is served.", ("zone",))
        self._version = read_version(self._path, names)
        if self._version.trouble:
            raise ConfigError(self._version.trouble)
        self._rests: Dependencies = frozenset(((Rests.FILE, config.dbfile),)) if config.reload else NOTHING
        falls = None if config.fallthrough is None else tuple(map(from_text, config.fallthrough))
        fresh = Freshness(None, self._rests)
        self.served = tuple(Served(zone, falls, fresh) for zone in self._version.zones)
        self._note(self._version)

    def start(self) -> None:
        if self._config.reload:
            self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def refresh(self) -> None:
        """Look at the file once, and serve and announce what is new in it."""
        found = await asyncio.to_thread(newer_version, self._path, self._names, self._version)
        if found is not None:
            self._take(found)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._config.reload)
            try:
                await self.refresh()
            except Exception:  # noqa: BLE001 the file must be looked at again whatever happened
                _log.exception("file: reading %r failed", self._config.dbfile)

    def _take(self, found: Version) -> None:
        """Serve a version from now on, or keep the last good one."""
        before, self._version = self._version, found
        if found.trouble:
            self._reloads.inc((self._config.dbfile, "failed"))
            if found.trouble != before.trouble:
                _log.warning("file: a zone cannot be read, keeping the last good one: %r", found.trouble)
            return
        moved = [(s, zone) for s, zone in zip(self.served, found.zones, strict=True) if self._is_new(s.zone, zone)]
        if not moved:
            self._reloads.inc((self._config.dbfile, "unchanged"))
            _log.warning("file: %r has changed, but not its serial; it is not taken", self._config.dbfile)
            return
        for served, zone in moved:
            served.zone = zone
        self._reloads.inc((self._config.dbfile, "loaded"))
        self._note(found)
        self._changed(self._rests)
        for served, _ in moved:
            if self.told is not None:
                self.told(served.name)

    def _is_new(self, held: Zone, found: Zone) -> bool:
        return self._config.reload_by_mtime or held.serial != found.serial

    def _note(self, version: Version) -> None:
        for served in self.served:
            self._serials.set(served.zone.serial, (served.name.dotted,))
            _log.info("file: serving %s with serial %d from %r", served.name, served.zone.serial, self._config.dbfile)
        if version.outside:
            _log.warning("file: %d records of %r are in no zone of it", version.outside, self._config.dbfile)
