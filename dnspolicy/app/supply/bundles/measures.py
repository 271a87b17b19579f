"""What is shown of bundles."""

from __future__ import annotations

from dnspolicy.bundle import Bundle
from dnspolicy.chain.metrics import Metrics, Revisions
from dnspolicy.feeds.failures import FeedFailure, Reason
from dnspolicy.model.errors import DnsPolicyError

MAX_LABEL = 64


class BundleMeasures:
    """The metrics of the bundles of one policy. A bundle is called by its name in the Corefile.

    Another policy, such as its candidate, may have one of the same name: what is shown is each revision, and the oldest
    confirmation.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._refused = metrics.counter("dnspolicy_policy_reload_failed_total", "Policy changes that were refused.")
        info = metrics.joint_gauge(
            "dnspolicy_policy_bundle_info",
            "1 for the revision that a bundle in force says it is.",
            ("bundle", "revision"),
            max,
        )
        self._confirmed = metrics.joint_gauge(
            "dnspolicy_policy_bundle_confirmed_seconds",
            "Unix time at which the server of a bundle last said that it is the one there is.",
            ("bundle",),
            min,
        )
        self._revisions = Revisions(info)
        self._failures = metrics.counter(
            "dnspolicy_policy_bundle_failures_total",
            "Times a bundle could not be had or was refused, by reason.",
            ("bundle", "reason"),
        )

    def refused(self) -> None:
        """What came or changed is not put in force."""
        self._refused.inc()

    def in_force(self, bundle: Bundle) -> None:
        self._revisions.show(bundle.name, shown_revision(bundle))

    def confirmed(self, name: str, at: float) -> None:
        self._confirmed.set_for(self, at, (name,))

    def failed(self, name: str, problem: DnsPolicyError) -> None:
        reason = problem.reason if isinstance(problem, FeedFailure) else Reason.BAD_DOCUMENT
        self._failures.inc((name, reason.value))

    def forget(self, name: str) -> None:
        """It is followed no longer."""
        self._revisions.forget(name)
        self._confirmed.forget(self, (name,))


def shown_revision(bundle: Bundle) -> str:
    """What a bundle says it is, as it may be shown."""
    text = bundle.manifest.revision[:MAX_LABEL]
    return text if text.isprintable() else ascii(text)[1:-1]
