"""The room: answers from a hosts file and from entries in the Corefile."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.plugin import NO_FACTS, AskNext, Changed
from dnspolicy.corefile.regular import Signature
from dnspolicy.model.answer import EVERYTHING, Answer, Reply
from dnspolicy.model.name import ROOT, Name, from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Type
from dnspolicy.plugins.hosts.config import Config
from dnspolicy.plugins.hosts.entries import Content, Host
from dnspolicy.plugins.hosts.file import UnusableFile, Version, read_version
from dnspolicy.plugins.hosts.table import Rules, Table

_log = logging.getLogger(__name__)
_HAS = frozenset((int(Type.A), int(Type.AAAA), int(Type.PTR)))
_NAMED_PROBLEMS = 3


class Hosts:
    """Answers A, AAAA and PTR from hosts data; passes on what it does not know, if so configured.

    The file is read on construction and, after `start`, looked at every `config.reload` seconds; when other entries are
    in it, `changed` hears that everything moved. A file that cannot be used keeps its last good content and is named in
    the log.
    `origins`: the zones of the server block, which hold when the directive names none.
    """

    name = "hosts"
    reads = NO_FACTS

    def __init__(self, config: Config, *, origins: tuple[Name, ...], changed: Changed, metrics: Metrics) -> None:
        self._config = config
        self._changed = changed
        self._path = Path(config.file)
        zones = tuple(from_text(zone) for zone in config.zones) or origins
        self._zones = () if any(not zone.labels for zone in zones) else zones
        self._passing = None if config.fallthrough is None else tuple(map(from_text, config.fallthrough))
        self._asks_on = self._passing is not None and (not self._passing or ROOT in self._passing)
        self._rules = Rules(config.ttl, not config.no_reverse, self._zones)
        self._entries = metrics.gauge(
            "coredns_hosts_entries", "Entries of hosts file and Corefile, reverse ones included.", ("hostsfile",)
        )
        self._read_at = metrics.gauge(
            "coredns_hosts_reload_timestamp_seconds", "When the hosts file that is served was modified, since 1970."
        )
        self._inline: tuple[Host, ...] = tuple(host for entry in config.entries for host in entry.hosts)
        self._signature: Signature | None = None
        self._content = Content()
        self._trouble = ""
        self._watching: asyncio.Task[None] | None = None
        self._table = self._made(self._content)
        self._adopt(self._look())

    def concerns(self, query: Query) -> bool:
        table = self._table
        labels = query.name.labels
        if self._asks_on and labels[-1:] not in table.tops and () not in table.tops:
            return False
        return not self._asks_on or labels in table.known or bool(table.wild)

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        answer = self._find(query)
        return await ask_next(query, ctx) if answer is None else answer

    def refresh(self) -> None:
        """Look at the file once, and use and announce it when it has changed."""
        self._take(self._look())

    async def start(self) -> None:
        if self._config.reload:
            self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None

    def _find(self, query: Query) -> Answer | None:
        """The answer; None when the next room is to be asked."""
        name, qtype = query.name, query.qtype
        found = self._table.find(name, qtype)
        if not self._rules.takes(name):
            return found if qtype == Type.PTR and found is not None and found.answer else None
        if found is None:
            return None if qtype == Type.PTR or self._passes(name) else self._table.missing(name)
        if self._config.fallthrough_unsupported and qtype not in _HAS and self._passes(name):
            return None
        return found

    def _passes(self, name: Name) -> bool:
        zones = self._passing
        return zones is not None and (not zones or any(name.under(zone) for zone in zones))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._config.reload)
            try:
                self._take(await asyncio.to_thread(self._look))
            except Exception:  # noqa: BLE001 the file must be looked at again whatever happened
                _log.exception("hosts: reading %r failed", self._config.file)

    def _look(self) -> tuple[Version, Table] | UnusableFile | None:
        """The new version and its table, what is wrong, or None when nothing has changed. Safe in a thread."""
        try:
            version = read_version(self._path, self._signature)
        except UnusableFile as problem:
            return problem
        return None if version is None else (version, self._made(version.content))

    def _made(self, content: Content) -> Table:
        return Table((content.hosts, self._inline), self._rules)

    def _take(self, seen: tuple[Version, Table] | UnusableFile | None) -> None:
        before = self._content
        self._adopt(seen)
        if self._content is not before and self._content.hosts != before.hosts:
            # an entry that appears hides answers that later rooms made, and they do not know of this file
            self._changed(frozenset((EVERYTHING,)))

    def _adopt(self, seen: tuple[Version, Table] | UnusableFile | None) -> None:
        if isinstance(seen, UnusableFile):
            self._signature = seen.signature or self._signature
            self._complain(str(seen))
            return
        self._trouble = ""
        if seen is None:
            return
        version, table = seen
        self._signature, self._content, self._table = version.signature, version.content, table
        self._read_at.set(version.modified)
        self._entries.set(table.count, (self._config.file,))
        self._name_problems(version.content.problems)

    def _complain(self, trouble: str) -> None:
        """Say once what is wrong, until it is something else."""
        self._entries.set(self._table.count, (self._config.file,))
        if trouble != self._trouble:
            self._trouble = trouble
            _log.warning("hosts: file %r cannot be used, keeping the last good content: %r", self._config.file, trouble)

    def _name_problems(self, problems: tuple[str, ...]) -> None:
        for problem in problems[:_NAMED_PROBLEMS]:
            _log.warning("hosts: file %r: %r is left out", self._config.file, problem)
        if len(problems) > _NAMED_PROBLEMS:
            _log.warning(
                "hosts: file %r: %d more lines are left out", self._config.file, len(problems) - _NAMED_PROBLEMS
            )
