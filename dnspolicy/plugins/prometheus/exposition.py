"""The text formats of Prometheus, from our metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as PromFamily
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from dnspolicy.chain.metrics import Counter, Gauge, Histogram, Metric

Row = tuple[tuple[str, ...], Sequence[float]]


class Style(StrEnum):
    """The formats, by their content types."""

    TEXT = exposition.CONTENT_TYPE_PLAIN_0_0_4
    OPENMETRICS = openmetrics.CONTENT_TYPE_LATEST


class Family(msgspec.Struct, frozen=True):
    """One metric as it stood at one moment. A row holds one value, or those of a histogram."""

    metric: Metric
    rows: tuple[Row, ...]


def choose(accept: str) -> Style:
    """The format for a client with this Accept header."""
    return Style.OPENMETRICS if "application/openmetrics-text" in accept else Style.TEXT


def snapshot(metrics: Iterable[Metric]) -> tuple[Family, ...]:
    """Copy the values. To be called on the event loop's thread, where they change."""
    return tuple(Family(metric, tuple(_rows(metric))) for metric in metrics)


def _rows(metric: Metric) -> Iterator[Row]:
    if isinstance(metric, Histogram):
        yield from ((labels, tuple(row)) for labels, row in metric.values.items())
    elif isinstance(metric, (Counter, Gauge)):
        yield from ((labels, (value,)) for labels, value in metric.values.items())


def render(families: Iterable[Family], style: Style, runtime: bool = False) -> bytes:
    """The page, with what the Python runtime says of itself if `runtime` is set. Any thread may call it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Source(families, style))
    ProcessCollector(registry=registry)
    if runtime:
        GCCollector(registry=registry)
        PlatformCollector(registry=registry)
    if style is Style.OPENMETRICS:
        page: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
        return page
    return exposition.generate_latest(registry)


class _Source(Collector):
    def __init__(self, families: Iterable[Family], style: Style) -> None:
        self._families = families
        self._bound = _go_float if style is Style.TEXT else str

    def collect(self) -> Iterator[PromFamily]:
        for family in self._families:
            if family.rows:  # like CoreDNS: a metric with labels appears with its first use
                yield _translate(family, self._bound)


def _translate(family: Family, bound: Callable[[float], str]) -> PromFamily:
    metric = family.metric
    if isinstance(metric, Histogram):
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        bounds = [*(bound(float(b)) for b in metric.buckets), "+Inf"]
        for labels, row in family.rows:
            histogram.add_metric(labels, list(zip(bounds, _running(row[:-1]), strict=True)), row[-1])
        return histogram
    simple = (CounterMetricFamily if isinstance(metric, Counter) else GaugeMetricFamily)(
        metric.name, metric.help, labels=metric.labels
    )
    for labels, row in family.rows:
        simple.add_metric(labels, row[0])
    return simple


def _running(counts: Sequence[float]) -> Iterator[float]:
    total = 0.0
    for count in counts:
        total += count
        yield total


def _go_float(value: float) -> str:
    """As the Go client, and so CoreDNS, writes bounds in the text format: `511`, not `511.0`."""
    return f"{value:.15g}"
