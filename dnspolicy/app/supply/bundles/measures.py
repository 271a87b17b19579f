"""What is shown of bundles."""

from __future__ import annotations

from dnspolicy.bundle import Bundle
from dnspolicy.chain.metrics import Metrics
from dnspolicy.feeds.failures import FeedFailure, Reason
from dnspolicy.model.errors import DnsPolicyError

MAX_LABEL = 64


class BundleMeasures:
    """The metrics of bundles. A bundle is called by its name in the Corefile."""

    def __init__(self, metrics: Metrics) -> None:
        self._refused = metrics.counter("dnspolicy_policy_reload_failed_total", "Policy changes that were refused.")
        self._info = metrics.gauge(
            "dnspolicy_policy_bundle_info",
            "1 for the revision that a bundle in force says it is.",
            ("bundle", "revision"),
        )
        self._confirmed = metrics.gauge(
            "dnspolicy_policy_bundle_confirmed_seconds",
            "Unix time at which the server of a bundle last said that it is the one there is.",
            ("bundle",),
        )
        self._failures = metrics.counter(
            "dnspolicy_policy_bundle_failures_total",
            "Times a bundle could not be had or was refused, by reason.",
            ("bundle", "reason"),
        )

    def refused(self) -> None:
        """What came or changed is not put in force."""
        self._refused.inc()

    def in_force(self, bundle: Bundle) -> None:
        self.forget(bundle.name)
        self._info.set(1.0, (bundle.name, shown_revision(bundle)))

    def confirmed(self, name: str, at: float) -> None:
        self._confirmed.set(at, (name,))

    def failed(self, name: str, problem: DnsPolicyError) -> None:
        reason = problem.reason if isinstance(problem, FeedFailure) else Reason.BAD_DOCUMENT
        self._failures.inc((name, reason.value))

    def forget(self, name: str) -> None:
        """A bundle that is no longer in force."""
        for labels in [labels for labels in self._info.values if labels[0] == name]:
            del self._info.values[labels]


def shown_revision(bundle: Bundle) -> str:
    """What a bundle says it is, as it may be shown."""
    text = bundle.manifest.revision[:MAX_LABEL]
    return text if text.isprintable() else ascii(text)[1:-1]
