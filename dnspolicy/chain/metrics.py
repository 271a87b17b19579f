"""Counters, gauges and histograms: plain dictionaries that the prometheus room reads."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

import msgspec

Labels = tuple[str, ...]
Join = Callable[[Iterable[float]], float]
"""What several values are together: `sum`, `min`, `max`."""


class ServerLabels(msgspec.Struct, frozen=True):
    """How metrics name a server block: `dns://:53`, its zones joined by commas, its view."""

    server: str = ""
    zones: str = "."
    view: str = ""


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric:
    """A named family of values, one per tuple of label values. Label values are bounded: ours, never a stranger's."""

    def __init__(self, kind: Kind, name: str, help_text: str, labels: Sequence[str] = ()) -> None:
        self.kind = kind
        self.name = name
        self.help = help_text
        self.labels = tuple(labels)


class Counter(Metric):
    def __init__(self, name: str, help_text: str, labels: Sequence[str] = ()) -> None:
        super().__init__(Kind.COUNTER, name, help_text, labels)
        self.values: dict[Labels, float] = {} if self.labels else {(): 0.0}

    def inc(self, labels: Labels = (), amount: float = 1.0) -> None:
        self.values[labels] = self.values.get(labels, 0.0) + amount


class Gauge(Metric):
    def __init__(self, name: str, help_text: str, labels: Sequence[str] = ()) -> None:
        super().__init__(Kind.GAUGE, name, help_text, labels)
        self.values: dict[Labels, float] = {} if self.labels else {(): 0.0}

    def set(self, value: float, labels: Labels = ()) -> None:
        self.values[labels] = value


class JointGauge(Gauge):
    """A gauge that several set under the same labels: its value is what `join` makes of theirs."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str], join: Join) -> None:
        super().__init__(name, help_text, labels)
        self._join = join
        self._each: dict[Labels, dict[object, float]] = {}

    def set_for(self, who: object, value: float, labels: Labels) -> None:
        each = self._each.setdefault(labels, {})
        each[who] = value
        self.set(self._join(each.values()), labels)

    def forget(self, who: object, labels: Labels) -> None:
        """One sets it no more; without any it is not there."""
        each = self._each.get(labels, {})
        each.pop(who, None)
        if each:
            self.set(self._join(each.values()), labels)
        else:
            self._each.pop(labels, None)
            self.values.pop(labels, None)


class Revisions:
    """Which revision each of several things has now: the last label of a gauge that is 1, the thing the first."""

    def __init__(self, gauge: JointGauge) -> None:
        self._gauge = gauge
        self._shown: dict[str, str] = {}

    def show(self, thing: str, revision: str) -> None:
        """It has this one, and the one before no more."""
        self.forget(thing)
        self._shown[thing] = revision
        self._gauge.set_for(self, 1.0, (thing, revision))

    def forget(self, thing: str) -> None:
        """It has none."""
        revision = self._shown.pop(thing, None)
        if revision is not None:
            self._gauge.forget(self, (thing, revision))


class Histogram(Metric):
    """`buckets` are upper bounds without +Inf. A value is a list: one count per bucket, one beyond, then the sum."""

    def __init__(self, name: str, help_text: str, buckets: Sequence[float], labels: Sequence[str] = ()) -> None:
        super().__init__(Kind.HISTOGRAM, name, help_text, labels)
        self.buckets = tuple(buckets)
        self.values: dict[Labels, list[float]] = {} if self.labels else {(): [0.0] * (len(self.buckets) + 2)}

    def observe(self, value: float, labels: Labels = (), times: int = 1) -> None:
        """Count `value` `times` times."""
        row = self.values.get(labels)
        if row is None:
            row = self.values[labels] = [0.0] * (len(self.buckets) + 2)
        row[bisect_left(self.buckets, value)] += times
        row[-1] += value * times


class Metrics:
    """All metrics of one server. A name is made once; asking again gives the same metric."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}
        self._before: dict[object, Callable[[], None]] = {}

    def counter(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Counter:
        found = self._metrics.setdefault(name, Counter(name, help_text, labels))
        assert isinstance(found, Counter)
        return found

    def gauge(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Gauge:
        found = self._metrics.setdefault(name, Gauge(name, help_text, labels))
        assert isinstance(found, Gauge)
        return found

    def joint_gauge(self, name: str, help_text: str, labels: Sequence[str], join: Join) -> JointGauge:
        found = self._metrics.setdefault(name, JointGauge(name, help_text, labels, join))
        assert isinstance(found, JointGauge)
        return found

    def histogram(self, name: str, help_text: str, buckets: Sequence[float], labels: Sequence[str] = ()) -> Histogram:
        found = self._metrics.setdefault(name, Histogram(name, help_text, buckets, labels))
        assert isinstance(found, Histogram)
        return found

    def before_collect(self, refresh: Callable[[], None]) -> Callable[[], None]:
        """Call `refresh` each time the metrics are about to be read. Returns what ends that; it may be called twice."""
        key = object()
        self._before[key] = refresh

        def end() -> None:
            self._before.pop(key, None)

        return end

    def collect(self) -> list[Metric]:
        for refresh in tuple(self._before.values()):
            refresh()
        return sorted(self._metrics.values(), key=lambda m: m.name)
