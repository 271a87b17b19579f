"""What the forward room counts."""

from __future__ import annotations

from dnspolicy.chain.metrics import Labels, Metrics
from dnspolicy.model.rr import rcode_text
from dnspolicy.plugins.forward.match import Match
from dnspolicy.plugins.forward.peer import Peer

_BUCKETS = tuple(0.00025 * 2**n if n < 2 else 0.001 * 2 ** (n - 2) for n in range(16))
_MOST_UPSTREAMS = 64
_OTHERS = "other"
_PROXY = "forward"


class Counts:
    """The metrics. Upstreams beyond `_MOST_UPSTREAMS` (a policy may name any) share the label `other`."""

    def __init__(self, metrics: Metrics) -> None:
        self._known: set[str] = set()
        self._answered: dict[tuple[str, int], Labels] = {}
        self._seconds = metrics.histogram(
            "coredns_proxy_request_duration_seconds",
            "Histogram of the time each request took.",
            _BUCKETS,
            ("proxy_name", "rcode", "to"),
        )
        self._mismatched = metrics.counter(
            "dnspolicy_forward_mismatched_total",
            "Messages from upstreams that were ignored, by what was wrong with them.",
            ("reason", "to"),
        )
        self._failures = metrics.counter(
            "dnspolicy_forward_failures_total",
            "Attempts at an upstream that gave no answer, by kind.",
            ("kind", "to"),
        )
        self.scrubbed = metrics.counter(
            "dnspolicy_forward_scrubbed_records_total",
            "Records of upstreams' answer and authority sections that were not on the chain of the question.",
        )
        self.merged = metrics.counter(
            "dnspolicy_forward_merged_total", "Questions that waited for the answer to the same question of another."
        )
        self.in_flight = metrics.gauge("dnspolicy_forward_in_flight", "Questions that upstreams are being asked now.")
        self.rejects = metrics.counter(
            "coredns_forward_max_concurrent_rejects_total",
            "Counter of the number of queries rejected because the concurrent queries were at maximum.",
        )

        self.broken = metrics.counter(
            "coredns_forward_healthcheck_broken_total",
            "Counter of the number of complete failures of the healthchecks.",
        )
        self._failed_checks = metrics.counter(
            "coredns_proxy_healthcheck_failures_total",
            "Counter of the number of failed healthchecks.",
            ("proxy_name", "to"),
        )
        connections = ("proto", "proxy_name", "to")
        self._kept = metrics.counter(
            "coredns_proxy_conn_cache_hits_total",
            "Counter of connection cache hits per upstream and protocol.",
            connections,
        )
        self._opened = metrics.counter(
            "coredns_proxy_conn_cache_misses_total",
            "Counter of connection cache misses per upstream and protocol.",
            connections,
        )

    def check_failed(self, peer: Peer) -> None:
        """One health check that got no answer."""
        self._failed_checks.inc((_PROXY, self._label(peer)))

    def connection(self, peer: Peer, *, kept: bool) -> None:
        """One question over TCP or TLS, on a connection that was there or on a new one."""
        (self._kept if kept else self._opened).inc(("tcp-tls" if peer.secure else "tcp", _PROXY, self._label(peer)))

    def collect(self, peer: Peer) -> None:
        """Take over what the upstream counted itself: questions over UDP, which all open a port of their own."""
        if peer.asked_udp:
            self._opened.inc(("udp", _PROXY, self._label(peer)), peer.asked_udp)
            peer.asked_udp = 0

    def answered(self, peer: Peer, rcode: int, seconds: float) -> None:
        """One answer."""
        labels = self._answered.get((peer.text, rcode))
        if labels is None:
            labels = self._labels_of(peer, rcode & 0x0F)
        self._seconds.observe(seconds, labels)

    def _labels_of(self, peer: Peer, rcode: int) -> Labels:
        label = self._label(peer)
        labels = _PROXY, rcode_text(rcode), label
        if label != _OTHERS:
            self._answered[label, rcode] = labels
        return labels

    def ignored(self, peer: Peer, why: Match) -> None:
        """One message that was not believed."""
        self._mismatched.inc((why.value, self._label(peer)))

    def failed(self, peer: Peer, kind: str) -> None:
        """One attempt without an answer: `silent` or `error`."""
        self._failures.inc((kind, self._label(peer)))

    def _label(self, peer: Peer) -> str:
        text = peer.text
        if text not in self._known:
            if len(self._known) >= _MOST_UPSTREAMS:
                return _OTHERS
            self._known.add(text)
        return text
