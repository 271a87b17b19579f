"""What is counted, under the names that CoreDNS uses."""

from __future__ import annotations

from dnspolicy.chain.metrics import Labels, Metrics, ServerLabels
from dnspolicy.plugins.template.data import Matched

_BY_QUESTION = ("server", "zone", "view", "class", "type")
_BY_TEMPLATE = (*_BY_QUESTION, "section", "template")


class Counters:
    """Of one server block."""

    def __init__(self, metrics: Metrics, labels: ServerLabels) -> None:
        self._labels = labels
        self._matches = metrics.counter(
            "coredns_template_matches_total", "Counter of template regex matches.", _BY_QUESTION
        )
        self._template_failures = metrics.counter(
            "coredns_template_template_failures_total", "Counter of go template failures.", _BY_TEMPLATE
        )
        self._record_failures = metrics.counter(
            "coredns_template_rr_failures_total", "Counter of mis-templated RRs.", _BY_TEMPLATE
        )

    def match(self, data: Matched) -> None:
        self._matches.inc(self._question(data))

    def template_failure(self, data: Matched, section: str, template: str) -> None:
        """A template that could not be carried out."""
        self._template_failures.inc((*self._question(data), section, template))

    def record_failure(self, data: Matched, section: str, template: str) -> None:
        """A template that made no record."""
        self._record_failures.inc((*self._question(data), section, template))

    def _question(self, data: Matched) -> Labels:
        return (self._labels.server, data.zone, self._labels.view, data.class_text, data.type_text)
