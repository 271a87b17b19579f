"""Queries alike within a window become one record with a count."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from dnspolicy.audit.render import Fold, deciding
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer

MOST = 4096
"""Kinds of queries that are looked out for at a time."""


class _Open:
    __slots__ = ("count", "first", "last", "outcome", "seconds")

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.count = 0
        self.first = self.last = self.seconds = 0.0

    def add(self, count: int, first: float, last: float, seconds: float) -> None:
        self.first = self.first if self.count else first
        self.count += count
        self.last = last
        self.seconds += seconds


class Folds:
    """Queries that come again within a window are counted until `close`; the first two have records of their own.

    Of a query that came once only a mark is kept, so that questions nobody repeats cost little.
    """

    def __init__(self) -> None:
        self._marks: dict[int, _Open | None] = {}
        self._open: dict[Hashable, _Open] = {}

    @property
    def full(self) -> bool:
        return len(self._open) >= MOST or len(self._marks) >= MOST

    def take(self, outcome: Outcome) -> bool:
        """Count a query; False when it is to be recorded."""
        query, marks = outcome.query, self._marks
        mark = hash((outcome.source, query.asked.labels, query.qtype))
        if mark not in marks:
            marks[mark] = None
            return False
        found = marks[mark]
        if found is None or not _surely_alike(found.outcome, outcome):
            likeness = _likeness(outcome)
            found = self._open.get(likeness)
            if found is None:
                self._marks[mark] = self._open[likeness] = _Open(outcome)
                return False
            self._marks[mark] = found
        found.add(1, outcome.wall, outcome.wall, outcome.seconds)
        return True

    def take_more(self, fold: Fold) -> bool:
        """Count queries that were folded before; False when their kind is not known here."""
        found = self._open.get(_likeness(fold.outcome))
        if found is not None:
            found.add(fold.count, fold.first, fold.last, fold.seconds)
        return found is not None

    def close(self) -> Iterator[Fold]:
        """What was counted since the last time, and begin anew."""
        opened, self._open = self._open, {}
        self._marks.clear()
        for o in opened.values():
            if o.count:
                yield Fold(o.outcome, o.count, o.first, o.last, o.seconds)


def _surely_alike(one: Outcome, other: Outcome) -> bool:
    """Whether two queries have the same likeness, for the most common ones; False may mean that they have."""
    a, b, said, says = one.query, other.query, one.judgements, other.judgements
    return (
        len(said) == len(says) == 1
        and said[0].verdict is says[0].verdict
        and a.asked.labels == b.asked.labels
        and one.source == other.source
        and a.qtype == b.qtype
        and a.transport is b.transport
        and isinstance(one.reply, Answer)
        and isinstance(other.reply, Answer)
        and one.reply.rcode == other.reply.rcode
        and one.failure == other.failure
    )


def _likeness(outcome: Outcome) -> Hashable:
    """What queries of one kind have in common: client address, question, verdict, reply."""
    query, reply = outcome.query, outcome.reply
    decided = deciding(outcome.judgements)
    verdict = (decided.verdict.action, decided.verdict.rule, decided.verdict.revision) if decided is not None else None
    would = tuple((w.action, w.rule) for j in outcome.judgements for w in j.verdict.shadow)
    beside = tuple(id(j.verdict.beside) for j in outcome.judgements if j.verdict.beside is not None)
    rcode = reply.rcode if isinstance(reply, Answer) else -1
    return (
        outcome.source,
        query.asked.labels,
        query.qtype,
        query.transport,
        rcode,
        verdict,
        would,
        beside,
        outcome.failure,
    )
