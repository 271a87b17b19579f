"""What the cache counts, under the names and labels of CoreDNS."""

from __future__ import annotations

from dnspolicy.chain.metrics import Metrics

_BY_TYPE = ("server", "type", "view", "zones")
_PLAIN = ("server", "view", "zones")


class Counters:
    """The metrics of all caches of a server."""

    def __init__(self, metrics: Metrics) -> None:
        self.entries = metrics.gauge("coredns_cache_entries", "The number of elements in the cache.", _BY_TYPE)
        self.hits = metrics.counter("coredns_cache_hits_total", "The count of cache hits.", _BY_TYPE)
        self.evictions = metrics.counter("coredns_cache_evictions_total", "The count of cache evictions.", _BY_TYPE)
        self.requests = metrics.counter("coredns_cache_requests_total", "The count of cache requests.", _PLAIN)
        self.misses = metrics.counter(
            "coredns_cache_misses_total",
            "The count of cache misses. Deprecated, derive misses from cache hits/requests counters.",
            _PLAIN,
        )
        self.prefetches = metrics.counter(
            "coredns_cache_prefetch_total", "The number of times the cache has prefetched a cached item.", _PLAIN
        )
        self.drops = metrics.counter(
            "coredns_cache_drops_total",
            "The number of responses that are not cached, because they are about another name.",
            _PLAIN,
        )
        self.stale = metrics.counter(
            "coredns_cache_served_stale_total", "The number of requests served from stale cache entries.", _PLAIN
        )
