"""Counting outcomes, cheaply: a few dictionary entries per query, spread over the metrics when they are read."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Multiset
from collections.abc import Iterable

import msgspec

from dnspolicy import __version__
from dnspolicy.chain.metrics import Histogram, Labels, Metric, Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Drop
from dnspolicy.model.rr import Rcode
from dnspolicy.model.verdict import Mode
from dnspolicy.plugins.prometheus import families

MAX_RULES = 1000
"""Distinct rule names counted under their own name; the rest is `other`."""
MAX_RULE_LENGTH = 128
OTHER = "other"

_TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 43: "DS",
    46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 64: "SVCB", 65: "HTTPS", 251: "IXFR", 252: "AXFR", 255: "ANY",
}  # fmt: skip
_RCODES = {int(code): code.name for code in Rcode}
_NO_REPLY = -1
_SECONDS, _BYTES = families.SECONDS, families.BYTES

Place = tuple[str, str, str, str]
"""server, zone, view, protocol"""
Key = tuple[bool, str, int, str, bool, str]
"""IPv6, type, rcode, plugin, DO, kind of client"""
Decision = tuple[str, str, str, str]
"""action, rule, phase, mode"""


class Enabled(msgspec.Struct, frozen=True):
    """A plugin in a server block."""

    plugin: str
    server: str
    zone: str
    view: str = ""


class _Shape:
    """Queries, durations and sizes seen in one place."""

    __slots__ = ("counts", "requests", "responses", "seconds")

    def __init__(self) -> None:
        self.counts: dict[Key, int] = {}
        self.seconds = [0.0] * (len(families.SECONDS) + 2)
        self.requests = [0.0] * (len(families.BYTES) + 2)
        self.responses = [0.0] * (len(families.BYTES) + 2)


class Tally:
    """An observer that counts under CoreDNS's names and ours. One per server process; it outlives reloads.

    Label values are bounded: types, response codes and rules beyond what is known become `other`.
    """

    every = False

    def __init__(self, metrics: Metrics, *, version: str = __version__, revision: str = "") -> None:
        self.metrics = metrics
        self._families = families.Families(metrics)
        self._families.build_info.set(1.0, ("", revision, version))
        self._shapes: dict[Place, _Shape] = {}
        self._decisions: dict[Decision, int] = {}
        self._rules: dict[str, str] = {}
        self._enabled: Multiset[Enabled] = Multiset()
        metrics.before_collect(self._spread)

    def seen(self, outcome: Outcome) -> None:
        """Count one query and the decisions made for it."""
        self._count(outcome, 1, outcome.seconds)
        for judgement in outcome.judgements:
            if not judgement.cached:
                self._families.decision_seconds.observe(judgement.seconds, (judgement.phase,))

    def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
        """Count `count` queries that took `seconds` together; their decisions were remembered, not made again."""
        if count > 0:
            self._count(outcome, count, seconds)

    def collect(self) -> list[Metric]:
        """All metrics of the server, up to date."""
        found = self.metrics.collect()
        # Once more: what others told while the metrics were collected (repeats of finished answers) belongs in it.
        self._spread()
        return found

    def enable(self, plugins: Iterable[Enabled]) -> None:
        """Show plugins as enabled, until `disable` was called as often."""
        self._enabled.update(plugins)

    def disable(self, plugins: Iterable[Enabled]) -> None:
        self._enabled -= Multiset(plugins)

    def _count(self, outcome: Outcome, times: int, seconds: float) -> None:
        query, reply, edns = outcome.query, outcome.reply, outcome.query.edns
        place = outcome.server, outcome.zone, outcome.view, query.transport
        rcode = _NO_REPLY if type(reply) is Drop else reply.rcode  # type: ignore[union-attr]
        shape = self._shapes.get(place)
        if shape is None:
            shape = self._shapes[place] = _Shape()
        key = (
            ":" in outcome.source, _TYPES.get(query.qtype, OTHER), rcode, reply.made_by, edns is not None and edns.do,
            outcome.identity.kind,
        )  # fmt: skip
        counts = shape.counts
        counts[key] = counts.get(key, 0) + times
        row = shape.seconds
        row[bisect_left(_SECONDS, seconds / times)] += times
        row[-1] += seconds
        row, size = shape.requests, query.size
        row[bisect_left(_BYTES, size)] += times
        row[-1] += size * times
        if rcode != _NO_REPLY:
            row, size = shape.responses, outcome.size
            row[bisect_left(_BYTES, size)] += times
            row[-1] += size * times
        if outcome.judgements:
            self._count_decisions(outcome, times)

    def _count_decisions(self, outcome: Outcome, times: int) -> None:
        decisions, rules = self._decisions, self._rules
        for judgement in outcome.judgements:
            verdict = judgement.verdict
            rule = rules.get(verdict.rule) or self._rule(verdict.rule)
            decision = (verdict.action, rule, judgement.phase, verdict.mode)
            decisions[decision] = decisions.get(decision, 0) + times
            for would in verdict.shadow:
                rule = rules.get(would.rule) or self._rule(would.rule)
                decision = (would.action, rule, judgement.phase, Mode.SHADOW)
                decisions[decision] = decisions.get(decision, 0) + times

    def _rule(self, rule: str) -> str:
        """The label of a rule not met before. A policy can build names from what was asked, so they are bounded."""
        if len(self._rules) >= MAX_RULES:
            return OTHER
        if rule.startswith("tenant:"):  # its namespace stands for all of them, and they take nobody's place
            return self._rules.setdefault(rule.partition("/")[0], rule.partition("/")[0][:MAX_RULE_LENGTH])
        label = rule[:MAX_RULE_LENGTH].encode("unicode_escape").decode("ascii") or "none"
        self._rules[rule] = label
        return label

    def _spread(self) -> None:
        """Add what was counted since the last time to the metrics."""
        shapes, self._shapes = self._shapes, {}
        for place, shape in shapes.items():
            labels = place[:3]
            for key, times in shape.counts.items():
                self._spread_count(place, key, times)
            _add(self._families.seconds, labels, shape.seconds)
            _add(self._families.request_bytes, place, shape.requests)
            _add(self._families.response_bytes, place, shape.responses)
        decisions, self._decisions = self._decisions, {}
        for decision, times in decisions.items():
            self._families.decisions.inc(tuple(map(str, decision)), times)
        enabled: dict[Labels, float] = {(one.plugin, one.server, one.view, one.zone): 1.0 for one in self._enabled}
        self._families.enabled.values = enabled

    def _spread_count(self, place: Place, key: Key, times: int) -> None:
        server, zone, view, proto = place
        ipv6, qtype, rcode, plugin, do, kind = key
        made = self._families
        made.requests.inc((server, zone, view, proto, "2" if ipv6 else "1", qtype), times)
        made.identities.inc((kind,), times)
        if do:
            made.do.inc((server, zone, view), times)
        if rcode != _NO_REPLY:
            made.responses.inc((server, zone, view, _RCODES.get(rcode, OTHER), plugin), times)


def _add(histogram: Histogram, labels: Labels, more: list[float]) -> None:
    row = histogram.values.get(labels)
    histogram.values[labels] = more if row is None else [a + b for a, b in zip(row, more, strict=True)]
