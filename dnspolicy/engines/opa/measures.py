"""What is counted about an OPA. Labels are addresses of the configuration and words of ours."""

from __future__ import annotations

from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.opa.breaker import State
from dnspolicy.engines.opa.connection import Kind

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class Measures:
    """Of all addresses of one server.

    Several may ask one address, each over its own connections: a policy, its candidate, a rule list. `who` tells them
    apart; what is shown is the sum of connections, and of all else the worst.
    """

    def __init__(self, metrics: Metrics) -> None:
        address = ("address",)
        self._requests = metrics.counter("dnspolicy_opa_requests_total", "Decisions asked of an OPA.", address)
        self._failures = metrics.counter(
            "dnspolicy_opa_failures_total", "Requests to an OPA without a usable reply, by kind.", ("address", "kind")
        )
        self._skipped = metrics.counter(
            "dnspolicy_opa_skipped_total", "Decisions not asked of an OPA because it failed just before.", address
        )
        self._seconds = metrics.histogram(
            "dnspolicy_opa_request_seconds", "Time until an OPA's decision was there.", BUCKETS, address
        )
        self._breaker = metrics.joint_gauge(
            "dnspolicy_opa_breaker_state", "0 asked, 1 tried by one question, 2 left alone.", address, max
        )
        self._connections = metrics.joint_gauge(
            "dnspolicy_opa_connections", "Open connections to an OPA.", address, sum
        )
        self._known = metrics.joint_gauge(
            "dnspolicy_opa_policy_known",
            "1 while an OPA has the policies of the folders given, so that it is known what they can read.",
            address,
            min,
        )
        self._given = metrics.joint_gauge(
            "dnspolicy_opa_data_current", "1 while an OPA has exactly the documents it is to have.", address, min
        )

    def asked(self, address: str) -> None:
        self._requests.inc((address,))

    def answered(self, address: str, seconds: float) -> None:
        self._seconds.observe(seconds, (address,))

    def failed(self, address: str, kind: Kind) -> None:
        self._failures.inc((address, kind.value))

    def skipped(self, address: str) -> None:
        self._skipped.inc((address,))

    def show(self, who: object, address: str, breaker: State, connections: int, known: bool) -> None:
        """As it is now."""
        labels = (address,)
        self._breaker.set_for(who, float(breaker), labels)
        self._connections.set_for(who, float(connections), labels)
        self._known.set_for(who, float(known), labels)

    def has_data(self, who: object, address: str, current: bool) -> None:
        """Whether it has the documents it is to have."""
        self._given.set_for(who, float(current), (address,))

    def forget(self, who: object, address: str) -> None:
        """It asks no longer."""
        for gauge in (self._breaker, self._connections, self._known, self._given):
            gauge.forget(who, (address,))
