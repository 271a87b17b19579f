"""The room: answers made of patterns and templates."""

from __future__ import annotations

from enum import Enum, auto
from functools import lru_cache

import msgspec

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metadata import Metadata
from dnspolicy.chain.metrics import Metrics, ServerLabels
from dnspolicy.chain.plugin import NO_FACTS, AskNext, ClientFact
from dnspolicy.chain.zones import inside
from dnspolicy.model.answer import STABLE, Answer, ExtendedError, Reply
from dnspolicy.model.name import Name, from_text, master_text
from dnspolicy.model.query import Query, Via
from dnspolicy.model.rr import Class, Rcode, Record, Type
from dnspolicy.plugins.template.config import Config
from dnspolicy.plugins.template.counters import Counters
from dnspolicy.plugins.template.data import Matched
from dnspolicy.plugins.template.parser import Template
from dnspolicy.plugins.template.values import Failed
from dnspolicy.wire.rdata import name_in
from dnspolicy.wire.recordtext import read_record

MADE_BY = "template"
_ADDRESSES = (Type.A, Type.AAAA)
_IP: frozenset[ClientFact] = frozenset({("ip",)})
_KEPT = 4096
"""Records read from text that are remembered, in all rooms together."""


class Fit(Enum):
    """How a query fits a template."""

    MATCHES = auto()
    PASSES = auto()
    FAILS = auto()


class Section(msgspec.Struct, frozen=True):
    """One section of the answer. `word` is its option in the Corefile."""

    word: str
    templates: tuple[Template, ...]


class One:
    """One `template` directive. `origins` are the zones of the server block."""

    def __init__(self, config: Config, origins: tuple[Name, ...], metadata: Metadata) -> None:
        self.zones = sorted(
            tuple(map(from_text, config.zones)) or origins, key=lambda zone: len(zone.labels), reverse=True
        )
        self._qclass, self._qtype = config.qclass(), config.qtype()
        self._patterns = config.patterns()
        self._passing = None if config.fallthrough is None else tuple(map(from_text, config.fallthrough))
        self._metadata = metadata
        self.rcode = config.code()
        error = config.ederror
        self.ede = () if error is None else (ExtendedError(error.code, error.text),)
        self.sections = tuple(
            Section(word, config.templates(texts))
            for word, texts in (
                ("answer", config.answer), ("additional", config.additional), ("authority", config.authority),
            )
        )  # fmt: skip
        templates = [template for section in self.sections for template in section.templates]
        self.conditions = config.conditions(metadata)
        paths = {path for template in templates for path in template.fields}
        self._labels = {label for template in templates for label in template.labels}
        self._reads = _IP if any(path[0] == "Remote" for path in paths) else NO_FACTS
        self.fleeting = any(path[0] == "Message" for path in paths) or self.conditions.fleeting
        # a question has the client's letters, which no cache tells apart
        self._beyond_caches = any(path[0] == "Question" for path in paths) or self.conditions.beyond_caches

    @property
    def reads(self) -> frozenset[ClientFact]:
        return self._reads.union(self.conditions.reads, *map(self._metadata.facts_of, self._labels))

    @property
    def private(self) -> bool:
        """Whether its answers are not for a cache that clients share."""
        return self._beyond_caches or bool(self.reads)

    def fit(self, query: Query, ctx: QueryContext, name: str) -> tuple[Fit, Matched | None]:
        """Whether the query is for this template, and what was found in it."""
        zone = next((zone for zone in self.zones if query.name.under(zone)), None)
        if zone is None or not _takes(self._qclass, query.qclass, Class.ANY):
            return Fit.PASSES, None
        if not _takes(self._qtype, query.qtype, Type.ANY):
            return Fit.PASSES, None
        for pattern in self._patterns:
            groups = pattern.find(name)
            if groups is None:
                continue
            data = Matched(query, ctx, name, zone.dotted, self._metadata)
            data.found(pattern.text, groups, pattern.names)
            data.of(self._qclass, self._qtype)
            holds = self.conditions.hold(data)
            if holds is None:
                return Fit.FAILS, data
            return (Fit.MATCHES if holds else self._missed(query.name)), data
        return self._missed(query.name), None

    def _missed(self, name: Name) -> Fit:
        zones = self._passing
        passes = zones is not None and (not zones or any(name.under(zone) for zone in zones))
        return Fit.PASSES if passes else Fit.FAILS


class TemplateRoom:
    """All `template` directives of a server block, in the order of the file."""

    name = "template"

    def __init__(
        self, configs: tuple[Config, ...], *, origins: tuple[Name, ...], metadata: Metadata, metrics: Metrics,
        labels: ServerLabels,
    ) -> None:  # fmt: skip
        self._all = tuple(One(config, origins, metadata) for config in configs)
        self.concerns = inside(zone for one in self._all for zone in one.zones)
        self._counters = Counters(metrics, labels)

    @property
    def reads(self) -> frozenset[ClientFact]:
        return NO_FACTS.union(*(one.reads for one in self._all))

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        name = master_text(query.name)
        passed: list[One] = []
        for one in self._all:
            fit, data = one.fit(query, ctx, name)
            if fit is Fit.MATCHES and data is not None:
                self._counters.match(data)
                return self._marked(await self._answer(one, data), (*passed, one))
            if data is not None:
                passed.append(one)
            if fit is Fit.FAILS:
                return self._marked(_failed(), (*passed, one))
        reply = await ask_next(query, ctx)
        return self._marked(reply, tuple(passed)) if passed and isinstance(reply, Answer) else reply

    @staticmethod
    def _marked(answer: Answer, asked: tuple[One, ...]) -> Answer:
        """The answer, marked for what the templates that had a say in it read."""
        if any(one.fleeting for one in asked):
            return answer.changed(fresh=answer.fresh.capped(0.0), private=True)
        return answer.changed(private=True) if any(one.private for one in asked) else answer

    async def _answer(self, one: One, data: Matched) -> Answer:
        if one.rcode == Rcode.SERVFAIL:
            return _failed(one.ede)
        made = Answer(one.rcode, aa=True, ede=one.ede, made_by=MADE_BY, fresh=STABLE)
        parts: dict[str, tuple[Record, ...]] = {}
        for section in one.sections:
            records: list[Record] = []
            for template in section.templates:
                record = self._record(section.word, template, data)
                if record is None:
                    return _failed()
                records.append(record)
                if section.word == "answer" and record.type == Type.CNAME and data.query.qtype in _ADDRESSES:
                    made = await _followed(made, record, records, data)
            parts[section.word] = tuple(records)
        return made.changed(**parts)

    def _record(self, word: str, template: Template, data: Matched) -> Record | None:
        try:
            text = template.render(data)
        except Failed:
            self._counters.template_failure(data, word, template.text)
            return None
        record = _read(text)
        if record is None:
            self._counters.record_failure(data, word, template.text)
        return record


async def _followed(made: Answer, alias: Record, records: list[Record], data: Matched) -> Answer:
    """What the target of an alias has, added to `records`."""
    target = name_in(alias)
    if target is None:
        return made
    reply = await data.ctx.resolve(data.query.renamed(target, Via.CNAME), data.ctx)
    if not isinstance(reply, Answer):
        return made.changed(fresh=made.fresh.capped(0.0), private=True)  # silence says not how long it holds
    records.extend(reply.answer)
    return made.changed(
        tc=reply.tc,
        ede=(*made.ede, *reply.ede),
        fresh=made.fresh.also(reply.fresh),
        private=True,
        rotate=reply.rotate and not reply.groups,
        ordered=reply.ordered,
    )


def _takes(own: int, asked: int, any_: int) -> bool:
    return any_ in (own, asked) or own == asked


@lru_cache(_KEPT)
def _read(text: str) -> Record | None:
    try:
        return read_record(text)
    except ValueError:
        return None


def _failed(ede: tuple[ExtendedError, ...] = ()) -> Answer:
    return Answer(Rcode.SERVFAIL, ede=ede, made_by=MADE_BY, fresh=STABLE)
