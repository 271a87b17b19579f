"""From what happened to a record of it. Pure; never raises, whatever names, texts and numbers an outcome holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from dnspolicy.audit import record as rec
from dnspolicy.chain.context import Judgement
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer, Drop, Reply
from dnspolicy.model.facts import AnswerFacts
from dnspolicy.model.identity import Alarm
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Record, class_text, rcode_text, type_text
from dnspolicy.model.target import Target
from dnspolicy.model.verdict import Action, AuditLevel, Mode, Origin, Verdict
from dnspolicy.wire import rdata

MAX_TEXT = 1000
"""Characters of a free text (reason, failure …) that are kept."""
_LEVELS = (AuditLevel.NONE, AuditLevel.METADATA, AuditLevel.FULL)
_ALLOW, _DEFAULT, _ENFORCE, _FULL = Action.ALLOW, Origin.DEFAULT, Mode.ENFORCE, AuditLevel.FULL
_NONE_JUDGED, _ALLOWED = rec.Effect.NONE, rec.Effect.ALLOW
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_LAST_SECOND = 253_402_300_799
_MAX_SECONDS = 1e9


class Fold(msgspec.Struct, frozen=True):
    """`count` further queries like `outcome`: see `chain.observer.Observer.repeated`. Times are wall times."""

    outcome: Outcome
    count: int
    first: float
    last: float
    seconds: float


class Renderer(msgspec.Struct, frozen=True):
    """Renders the records of one instance at one level. `labels` are the label keys that may be written."""

    level: AuditLevel
    instance: str
    labels: tuple[str, ...] = ()

    def query(self, outcome: Outcome, seq: int) -> rec.QueryRecord | None:
        """The record of one query; None when its verdict asks for none."""
        level = effective_level(outcome.judgements, self.level)
        if level is AuditLevel.NONE:
            return None
        client = self.client(outcome, outcome.port, level)
        durations = _durations(() if outcome.memo else outcome.judgements, outcome.seconds)
        return rec.QueryRecord(
            **self._common(outcome, level), version=rec.VERSION, instance=self.instance, seq=seq,
            time=timestamp(outcome.wall), client=client, durations=durations,
        )  # fmt: skip

    def repeat(self, fold: Fold, seq: int) -> rec.RepeatRecord | None:
        """The record of a fold; None when its verdict asks for none."""
        outcome = fold.outcome
        level = effective_level(outcome.judgements, self.level)
        if level is AuditLevel.NONE:
            return None
        first = timestamp(fold.first)
        common = self._common(outcome, level) | {"decision_cached": False}
        return rec.RepeatRecord(
            **common, version=rec.VERSION, instance=self.instance, seq=seq, time=first,
            client=self.client(outcome, None, level), durations=_durations((), fold.seconds),
            count=fold.count, first=first, last=timestamp(fold.last),
        )  # fmt: skip

    def _common(self, outcome: Outcome, level: AuditLevel) -> dict[str, Any]:
        fields = _shared(outcome, level)
        return fields | self._full(outcome) if level is _FULL else fields

    def client(self, outcome: Outcome, port: int | None, level: AuditLevel) -> rec.Client:
        """Who asked, as far as a record of `level` says it."""
        who = outcome.identity
        owner = rec.Owner(kind=who.owner.kind, name=who.owner.name) if who.owner is not None else None
        shows = level is _FULL and bool(self.labels)
        return rec.Client(
            kind=who.kind, why=who.why, ip=who.ip or outcome.source, port=port, namespace=who.namespace, pod=who.pod,
            uid=who.uid, service_account=who.service_account, node=who.node, zone=who.zone, owner=owner,
            labels=self._labels(who.labels) if shows else None,
            namespace_labels=self._labels(who.namespace_labels) if shows else None,
            alarms=tuple(map(_alarm, who.alarms)) if who.alarms and level is _FULL else (),
        )  # fmt: skip

    def _labels(self, labels: Mapping[str, str]) -> dict[str, str] | None:
        return {key: labels[key] for key in self.labels if key in labels} or None

    def _full(self, outcome: Outcome) -> dict[str, Any]:
        fields: dict[str, Any] = {"judged": tuple(map(self._judged, outcome.judgements))}
        if isinstance(outcome.reply, Answer):
            fields["answers"] = _texts(outcome.reply.answer)
        if outcome.original is not None and outcome.original is not outcome.reply:
            fields["original"] = _original(outcome.original)
        return fields

    def _judged(self, judgement: Judgement) -> rec.Judged:
        v, target = judgement.verdict, judgement.target
        return rec.Judged(
            name=shorten(judgement.name), phase=judgement.phase, verdict=v.action, rule=rule_text(v),
            reason=reason_text(v), origin=v.origin, revision=v.revision or "unknown", mode=v.mode,
            duration=micros(judgement.seconds), cached=judgement.cached,
            via=None if target is None else judgement.via, target=None if target is None else self._target(target),
            answer=None if judgement.facts is None else _facts(judgement.facts),
        )  # fmt: skip

    def _target(self, target: Target) -> rec.Target:
        return rec.Target(
            kind=target.kind, namespace=target.namespace, name=target.name, exists=target.exists,
            labels=self._labels(target.labels), namespace_labels=self._labels(target.namespace_labels),
        )  # fmt: skip


def deciding(judgements: Sequence[Judgement]) -> Judgement | None:
    """The judgement that decided: the enforced one with the strongest action, a rule's before a default's.

    A judgement in shadow only when nothing else was judged.
    """
    best, most = None, -1
    for judgement in judgements:
        verdict = judgement.verdict
        weight = 2 * _strength(verdict.action) + (verdict.origin is not _DEFAULT) if verdict.mode is _ENFORCE else -1
        if weight > most or best is None:
            best, most = judgement, weight
    return best


def _strength(action: Action) -> int:
    """A chain of identity tests, for looking an enum up in a dictionary costs more."""
    if action is _ALLOW:
        return 0
    return 3 if action is Action.BLOCK else 2 if action is Action.REDIRECT else 1


def effective_level(judgements: Sequence[Judgement], level: AuditLevel) -> AuditLevel:
    """`level`, as the deciding verdict raises or lowers it; verdicts of other names of the query may only raise it."""
    said = [j.verdict.audit for j in judgements if j.verdict.audit is not None and j.verdict.mode is _ENFORCE]
    decided = deciding(judgements) if said else None
    if decided is None:
        return level
    return max([decided.verdict.audit or level, *said], key=_LEVELS.index)


def timestamp(wall: float) -> str:
    """Wall time (seconds since 1970) as RFC 3339 with six decimals; a time that cannot be is 1970."""
    if not 0 <= wall < _LAST_SECOND:
        wall = 0.0
    second = int(wall)
    return "%s.%06dZ" % (_second_text(second), (wall - second) * 1_000_000)  # noqa: UP031 twice as fast


@lru_cache(maxsize=64)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def shorten(text: str) -> str:
    """Free text of bounded length."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _shared(outcome: Outcome, level: AuditLevel) -> dict[str, Any]:
    """The keys that a query and a repeat fill alike."""
    query, reply = outcome.query, outcome.reply
    asked = str(query.asked)
    fields: dict[str, Any] = {
        "transport": query.transport, "server": outcome.server, "zone": outcome.zone,
        "question": _question(query, asked, level), "verdict": _NONE_JUDGED, "made_by": reply.made_by,
        "memo": outcome.memo, "size": outcome.size, "failure": shorten(outcome.failure),
    }  # fmt: skip
    if query.name is not query.asked and query.name != query.asked:
        fields["resolved"] = str(query.name)
    if outcome.judgements:
        _add_decision(fields, outcome.judgements, query.name)
    if isinstance(reply, Answer):
        fields["rcode"] = rcode_text(reply.rcode)
        fields["upstream"] = reply.upstream
        if reply.ede:
            fields["ede"] = tuple(rec.Ede(code=e.code, text=shorten(e.text)) for e in reply.ede)
    else:
        fields["dropped"] = shorten(reply.why)
    return fields


def _question(query: Query, asked: str, level: AuditLevel) -> rec.Question:
    typed = _typed(query.asked) if level is _FULL else asked
    return rec.Question(
        name=asked,
        type=type_text(query.qtype),
        class_=class_text(query.qclass),
        typed=typed if typed != asked else None,
    )


def _typed(name: Name) -> str:
    """Presentation form with the letters as they came; odd bytes as in `str(name)`."""
    out, at, wire = [], 0, name.wire
    for label in name.labels:
        part = wire[at + 1 : at + 1 + len(label)]
        out.append("".join(chr(b) if b in _LETTERS else f"\\{b:03d}" for b in part))
        at += len(label) + 1
    return ".".join(out) or "."


def _add_decision(fields: dict[str, Any], judgements: tuple[Judgement, ...], name: Name) -> None:
    decided = deciding(judgements)
    assert decided is not None
    verdict = decided.verdict
    fields["verdict"] = _ALLOWED
    fields["rule"] = rule_text(verdict)
    fields["reason"] = reason_text(verdict)
    fields["revision"] = verdict.revision or "unknown"
    fields["origin"] = verdict.origin
    fields["phase"] = decided.phase
    fields["mode"] = verdict.mode
    fields["decision_cached"] = decided.cached
    if decided.about is not name and decided.about != name:
        fields["about"] = str(decided.about)
    if verdict.trigger:
        fields["trigger"] = shorten(verdict.trigger)
    if any(j.verdict.shadow or j.verdict.beside is not None or j.verdict.mode is not _ENFORCE for j in judgements):
        fields["would"] = tuple(_would(judgements))
    if verdict.action is not _ALLOW and verdict.mode is _ENFORCE:
        fields["verdict"] = rec.Effect(verdict.action.value)
        answered = verdict.action is Action.BLOCK and verdict.origin is not Origin.FAILURE
        fields["as_"] = verdict.block_as if answered else None
        fields["to"] = _to(verdict)


def rule_text(verdict: Verdict) -> str:
    """The verdict's rule; a word for where it comes from when it names none."""
    return shorten(verdict.rule) or ("unnamed" if verdict.origin is Origin.POLICY else verdict.origin.value)


def reason_text(verdict: Verdict) -> str:
    return shorten(verdict.reason) or "no reason given"


def _to(verdict: Verdict) -> tuple[str, ...]:
    """What an answer was turned to: a name, addresses or upstreams."""
    names = tuple(str(name) for name in (verdict.name, verdict.cname) if name is not None)
    return names + verdict.addresses + verdict.upstreams + verdict.endpoints


def _would(judgements: Iterable[Judgement]) -> Iterable[rec.Would]:
    """Verdicts in shadow, what enforced ones say that rules in shadow would have done, and what the candidate would."""
    for j in judgements:
        v = j.verdict
        name = shorten(j.name)
        other = v.beside.would if v.beside is not None else None
        if other is not None:
            yield rec.Would(
                verdict=other.action, rule=shorten(other.rule), reason=shorten(other.reason), name=name, phase=j.phase,
                candidate=True, revision=other.revision or "unknown",
            )  # fmt: skip
        if v.mode is Mode.SHADOW:
            yield rec.Would(verdict=v.action, rule=rule_text(v), reason=reason_text(v), name=name, phase=j.phase)
        for w in v.shadow:
            yield rec.Would(verdict=w.action, rule=shorten(w.rule), reason=shorten(w.reason), name=name, phase=j.phase)


def _facts(facts: AnswerFacts) -> rec.Facts:
    return rec.Facts(
        rcode=facts.rcode, names=tuple(map(shorten, facts.names)), addresses=facts.addresses, from_=facts.made_by
    )  # fmt: skip


def _original(reply: Reply) -> rec.Original:
    if isinstance(reply, Drop):
        return rec.Original(dropped=shorten(reply.why))
    return rec.Original(rcode=rcode_text(reply.rcode), answers=_texts(reply.answer))


def _texts(records: Iterable[Record]) -> tuple[rec.RecordText, ...]:
    return tuple(
        rec.RecordText(name=str(r.owner), type=type_text(r.type), ttl=r.ttl, data=shorten(rdata.text(r)))
        for r in records
    )


def _alarm(alarm: Alarm) -> rec.Alarm:
    return rec.Alarm(**{name: getattr(alarm, name) for name in Alarm.__struct_fields__})


def _durations(judgements: tuple[Judgement, ...], seconds: float) -> rec.Durations:
    policy = micros(sum(j.seconds for j in judgements)) if judgements else None
    return rec.Durations(total=micros(seconds), policy=policy)


def micros(seconds: float) -> int:
    """Seconds as whole microseconds; 0 for what cannot be a duration."""
    return round(seconds * 1_000_000) if 0 <= seconds < _MAX_SECONDS else 0
