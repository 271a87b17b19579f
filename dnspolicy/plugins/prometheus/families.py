"""The metrics themselves: CoreDNS's names, labels and buckets, which dashboards rest on, and ours."""

from __future__ import annotations

from dnspolicy.chain.metrics import Metrics

SECONDS = tuple(0.00025 * 2**n for n in range(16))
BYTES = (0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16000, 32000, 48000, 64000)
DECISION_SECONDS = (1e-06, 5e-06, 1e-05, 5e-05, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1)

_BLOCK = ("server", "zone", "view")


class Families:
    """Every metric the tally counts into."""

    def __init__(self, metrics: Metrics) -> None:
        self.requests = metrics.counter(
            "coredns_dns_requests_total",
            "DNS requests per zone, protocol, family (1 is IPv4, 2 is IPv6) and type.",
            (*_BLOCK, "proto", "family", "type"),
        )
        self.responses = metrics.counter(
            "coredns_dns_responses_total",
            "DNS responses by response code and the plugin that made them.",
            (*_BLOCK, "rcode", "plugin"),
        )
        self.seconds = metrics.histogram(
            "coredns_dns_request_duration_seconds", "Time each request took, in seconds.", SECONDS, _BLOCK
        )
        self.request_bytes = metrics.histogram(
            "coredns_dns_request_size_bytes", "Size of requests in bytes.", BYTES, (*_BLOCK, "proto")
        )
        self.response_bytes = metrics.histogram(
            "coredns_dns_response_size_bytes", "Size of responses in bytes.", BYTES, (*_BLOCK, "proto")
        )
        self.do = metrics.counter("coredns_dns_do_requests_total", "DNS requests with the DO bit set.", _BLOCK)
        self.build_info = metrics.gauge(
            "coredns_build_info", "Always 1; the labels say which version runs.", ("goversion", "revision", "version")
        )
        self.enabled = metrics.gauge(
            "coredns_plugin_enabled", "1 for each plugin of each server block.", ("name", "server", "view", "zone")
        )
        self.decisions = metrics.counter(
            "dnspolicy_decisions_total",
            "Queries under each decision. Mode shadow: what would have been done.",
            ("action", "rule", "phase", "mode"),
        )
        self.decision_seconds = metrics.histogram(
            "dnspolicy_decision_seconds",
            "Time each evaluation of the policy took, in seconds; decisions that were remembered are not among them.",
            DECISION_SECONDS,
            ("phase",),
        )
        self.identities = metrics.counter(
            "dnspolicy_identity_total", "Queries by what is known of the client.", ("kind",)
        )
