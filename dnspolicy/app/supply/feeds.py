"""From `data` lines to feeds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from dnspolicy.app.clusters import source_asking
from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import Plan
from dnspolicy.cluster.apiserver.options import Options
from dnspolicy.cluster.fields import tree
from dnspolicy.cluster.things import Wanted
from dnspolicy.feeds.apart import parse_apart
from dnspolicy.feeds.document import Source
from dnspolicy.feeds.feed import FeedOf
from dnspolicy.feeds.fetch import Origin, origin_of
from dnspolicy.feeds.file import FileSource
from dnspolicy.feeds.objects import ConfigMapSource, Follow, ObjectsSource
from dnspolicy.feeds.prometheus import PrometheusSource
from dnspolicy.feeds.web import WebSource
from dnspolicy.model.errors import ConfigError
from dnspolicy.policy.settings.feeds import DataKind, DataLine

log = logging.getLogger("dnspolicy.data")


def cluster_of_data(lines: Sequence[DataLine], plan: Plan) -> Path | Options | None:
    """The cluster that some lines follow objects of; None when none does. Raises ConfigError."""
    if not any(line.of_cluster for line in lines):
        return None
    return source_asking(plan, "data of kind configmap and kubernetes")


def feeds_of(lines: Sequence[DataLine], plan: Plan, parts: Parts) -> tuple[FeedOf, ...]:
    """Opens nothing but the cluster. Raises ConfigError and ManifestError."""
    cluster = cluster_of_data(lines, plan)
    follow = None if cluster is None else parts.source(cluster).follow
    return tuple(
        FeedOf(
            path=line.steps,
            source=_source(line, plan, parts, follow),
            shown=line.shown,
            max_age=None if line.max_age is None else float(line.max_age),
            required=line.required,
        )
        for line in lines
    )


def _source(line: DataLine, plan: Plan, parts: Parts, follow: Follow | None) -> Source:
    clock = parts.clock
    match line.kind:
        case DataKind.FILE:
            read = partial(parse_apart, line.format, name=line.place)
            return FileSource(plan.path(line.place), read, every=line.period, limit=line.size)
        case DataKind.HTTP:
            read = partial(parse_apart, line.format, name=line.shown)
            return WebSource(_origin(line, plan, parts), read, clock, log)
        case DataKind.PROMETHEUS:
            return PrometheusSource(_origin(line, plan, parts), line.query, line.by, clock, log)
    assert follow is not None
    if line.kind is DataKind.CONFIGMAP:
        space, _, name = line.place.partition("/")
        return ConfigMapSource(space, name, follow, clock, every=line.period, limit=line.size)
    resource, _, group = line.place.partition(".")
    _check_fields(line)
    wanted = Wanted(
        resource=resource, group=group, fields=line.words[1:], selector=line.selector, every=line.poll, limit=line.size
    )
    return ObjectsSource(wanted, follow, clock, every=line.period)


def _check_fields(line: DataLine) -> None:
    try:
        tree(line.words[1:])
    except ValueError as problem:
        raise ConfigError(f"data {line.path}: {problem}") from None


def _origin(line: DataLine, plan: Plan, parts: Parts) -> Origin:
    origin = origin_of(line, plan.path, url=line.place, every=line.period, limit=line.size)
    return msgspec.structs.replace(origin, writes=parts.keeps)
