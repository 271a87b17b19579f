"""The room: one line per query."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from dnspolicy.chain.metadata import Metadata, Subject
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.chain.plugin import NO_FACTS, ClientFact
from dnspolicy.model.name import Name
from dnspolicy.plugins.log.config import Config, ResponseClass
from dnspolicy.plugins.log.format import Show, compiled
from dnspolicy.plugins.log.kinds import class_of, kind_of


class _Rule(msgspec.Struct, frozen=True, eq=False):
    """Names, or none for all; the classes of replies that are logged, or None for all; the format."""

    names: tuple[Name, ...]
    classes: frozenset[ResponseClass] | None
    show: Show

    def covers(self, name: Name) -> bool:
        return not self.names or any(name.under(zone) for zone in self.names)


class Log:
    """Writes a line for each query, as the first directive wants that covers its name.

    `configs` are the `log` directives of a server block. `write` gets whole lines without newline; a line it cannot
    take (OSError, ValueError of a closed file) is counted as lost. Knows the labels `log/class` and `log/type`.
    """

    every = True

    def __init__(
        self, configs: Sequence[Config], *, write: Callable[[str], object], metrics: Metrics, metadata: Metadata
    ) -> None:
        self._rules = tuple(_Rule(c.names, c.classes, compiled(c.format, metadata)) for c in configs)
        self._write = write
        self._lost = metrics.counter("dnspolicy_log_lines_lost_total", "Lines of the query log that were not written.")

    def seen(self, outcome: Outcome) -> None:
        name = outcome.query.asked
        rule = next((rule for rule in self._rules if rule.covers(name)), None)
        if rule is None:
            return
        if rule.classes is not None and class_of(kind_of(outcome.query, outcome.reply)) not in rule.classes:
            return
        try:
            self._write(f"[INFO] {rule.show(outcome)}")
        except (OSError, ValueError):
            self._lost.inc()

    def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
        """Never called, as `every` is set."""

    def describe(self, label: str, subject: Subject) -> str | None:
        if label not in ("log/class", "log/type"):
            return None
        if subject.reply is None:
            return ""
        kind = kind_of(subject.query, subject.reply)
        return kind.value if label == "log/type" else class_of(kind).value

    def facts_of(self, label: str) -> frozenset[ClientFact]:
        return NO_FACTS
