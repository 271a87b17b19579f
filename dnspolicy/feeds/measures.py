"""What is counted of feeds. The label is the path below `data`."""

from __future__ import annotations

from dnspolicy.chain.metrics import Metrics, Revisions
from dnspolicy.feeds.failures import Reason


class Measures:
    """The metrics of the feeds of one policy.

    Another, such as its candidate, may have a document at the same path: what is shown is the oldest, the largest,
    each revision, and whether all see theirs.
    """

    def __init__(self, metrics: Metrics) -> None:
        path = ("path",)
        self._age = metrics.joint_gauge(
            "dnspolicy_feed_age_seconds", "Seconds since a document of a policy was known to be true.", path, max
        )
        self._bytes = metrics.joint_gauge(
            "dnspolicy_feed_bytes", "Bytes of a document as JSON; 0 without one.", path, max
        )
        self._present = metrics.joint_gauge(
            "dnspolicy_feed_present", "1 when policies see a document, 0 when it is not there.", path, min
        )
        info = metrics.joint_gauge(
            "dnspolicy_feed_info", "1 for the revision of a document.", ("path", "revision"), max
        )
        self._revisions = Revisions(info)
        self._changes = metrics.counter(
            "dnspolicy_feed_changes_total", "Documents that replaced another, or the lack of one.", ("path",)
        )
        self._failures = metrics.counter(
            "dnspolicy_feed_failures_total", "Tries that gave no document, by reason.", ("path", "reason")
        )

    def aged(self, path: str, seconds: float | None) -> None:
        """None: there is nothing that could be old."""
        if seconds is None:
            self._age.forget(self, (path,))
        else:
            self._age.set_for(self, seconds, (path,))

    def changed(self, path: str) -> None:
        """Policies see another document, or none any more."""
        self._changes.inc((path,))

    def shows(self, path: str, size: int | None, revision: str) -> None:
        """What policies see now; `size` None: nothing."""
        self._bytes.set_for(self, size or 0, (path,))
        self._present.set_for(self, size is not None, (path,))
        if size is None:
            self._revisions.forget(path)
        else:
            self._revisions.show(path, revision)

    def failed(self, path: str, reason: Reason) -> None:
        self._failures.inc((path, reason.value))

    def end(self, path: str) -> None:
        """It is no more."""
        self._revisions.forget(path)
        for gauge in (self._age, self._bytes, self._present):
            gauge.forget(self, (path,))
