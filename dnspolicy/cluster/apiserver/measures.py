"""What is counted of the source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.apiserver.failures import Reason
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.objects import ServiceKind

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PROGRAMMING = tuple(0.001 * 2**n for n in range(20))


class Measures:
    """The metrics of one source, those of requests called and cut as CoreDNS does."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._clock = clock
        self._news: dict[str, float] = {}
        self._requests = metrics.counter(
            "coredns_kubernetes_rest_client_requests_total",
            "Requests to the API server by status code, method and host.",
            ("code", "method", "host"),
        )
        self._durations = metrics.histogram(
            "coredns_kubernetes_rest_client_request_duration_seconds",
            "Seconds until the API server began to answer, by verb and host.",
            _SECONDS,
            ("verb", "host"),
        )
        self._throttled = metrics.histogram(
            "coredns_kubernetes_rest_client_rate_limiter_duration_seconds",
            "Seconds that requests to the API server were held back here, by verb and host.",
            _SECONDS,
            ("verb", "host"),
        )
        self._programming = metrics.histogram(
            "coredns_kubernetes_dns_programming_duration_seconds",
            "Seconds from the change of a pod or service until answers show it.",
            _PROGRAMMING,
            ("service_kind",),
        )
        self._age = metrics.gauge(
            "dnspolicy_cluster_age_seconds", "Seconds since the API server last said something about a kind.", ("kind",)
        )
        self._synced = metrics.gauge(
            "dnspolicy_cluster_last_sync_seconds", "Unix time at which a kind was last listed in full.", ("kind",)
        )
        self._lists = metrics.counter(
            "dnspolicy_cluster_lists_total", "Times that a kind was listed in full, the first included.", ("kind",)
        )
        self._errors = metrics.counter(
            "dnspolicy_cluster_errors_total", "Failed requests and watches, and objects left out.", ("kind", "reason")
        )
        self._metrics = metrics
        self._end: Callable[[], None] | None = None

    def requested(self, host: str, code: str, seconds: float) -> None:
        self._requests.inc((code, "GET", host))
        self._durations.observe(seconds, ("GET", host))

    def throttled(self, host: str, seconds: float) -> None:
        self._throttled.observe(seconds, ("GET", host))

    def news(self, kind: str, seconds: float = 0.0) -> None:
        """The API server said something about a kind, so many seconds ago."""
        self._news[kind] = self._clock.monotonic() - seconds

    def listed(self, kind: str) -> None:
        self.news(kind)
        self._synced.set(self._clock.wall(), (str(kind),))
        self._lists.inc((str(kind),))

    def failed(self, kind: str, reason: Reason, times: int = 1) -> None:
        self._errors.inc((str(kind), reason.value), times)

    def programmed(self, index: Index, namespace: str, service: str, triggered: str) -> None:
        """A slice that changed at `triggered` (RFC 3339) is now in the index."""
        found = index.service(namespace, service)
        if found is None:
            return
        try:
            moment = datetime.fromisoformat(triggered)
        except ValueError:
            return
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        label = "headless_with_selector" if found.kind is ServiceKind.HEADLESS else "cluster_ip"
        self._programming.observe(max(0.0, self._clock.wall() - since), (label,))

    def begin(self) -> None:
        """From now on ages are told."""
        if self._end is None:
            self._end = self._metrics.before_collect(self._refresh)

    def end(self) -> None:
        """Ages mean nothing any more."""
        if self._end is not None:
            self._end()
            self._end = None
        for kind in self._news:
            self._age.values.pop((str(kind),), None)
        self._news.clear()

    def _refresh(self) -> None:
        now = self._clock.monotonic()
        for kind, at in self._news.items():
            self._age.set(max(0.0, now - at), (str(kind),))
