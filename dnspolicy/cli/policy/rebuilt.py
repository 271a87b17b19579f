"""From an audit record back to the questions a policy was asked, and what of them the record does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from dnspolicy.audit import record as rec
from dnspolicy.cli.policy.judging import Said, World
from dnspolicy.model.facts import AnswerFacts
from dnspolicy.model.identity import Alarm, ClientKind, Identity, Owner
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query, Via
from dnspolicy.model.rr import class_number, type_number
from dnspolicy.model.target import Target, TargetKind
from dnspolicy.model.verdict import Mode, Origin, Phase
from dnspolicy.policy.footprint import EXISTS, Footprint, Path
from dnspolicy.policy.input import PolicyInput

_LABELS = ("labels", "namespace_labels")
_TARGET = ("kind", "namespace", "name", "exists", "labels", "namespace_labels", "endpoints")


class Rebuilt(msgspec.Struct, frozen=True):
    """One question as it was asked, what was done, and facts that are not known (`client.labels.app`)."""

    question: PolicyInput
    done: Said
    lacks: tuple[str, ...] = ()


class Skipped(msgspec.Struct, frozen=True):
    """Why a record, or a part of it, cannot be judged again."""

    why: str


class Rebuilder:
    """Rebuilds what a policy with this footprint reads. `world` fills in what records do not hold."""

    def __init__(self, footprint: Footprint, world: World | None) -> None:
        self._wanted = sorted(set(_leaves(footprint.paths)))
        self._world = world
        self._answers = footprint.reads("answer") or footprint.reads("phase")

    def questions(self, record: rec.QueryRecord, allowed: frozenset[str] | None) -> Iterator[Rebuilt | Skipped]:
        """Each question of a record. `allowed`: keys of labels that its records of level full show."""
        if record.verdict is rec.Effect.NONE:
            yield Skipped("no policy judged it")
            return
        if record.judged:
            for judged in record.judged:
                yield self._of_judged(record, judged, allowed)
            return
        yield self._of_whole(record)

    def lacks_answer(self, record: rec.QueryRecord) -> bool:
        """Whether the policy would be asked about an answer that the record does not hold."""
        return self._answers and not any(judged.phase is Phase.RESPONSE for judged in record.judged)

    def _of_judged(
        self, record: rec.QueryRecord, judged: rec.Judged, allowed: frozenset[str] | None
    ) -> Rebuilt | Skipped:
        if judged.target is None:
            return Skipped("what was shown to the policy is not in the record")
        if judged.origin is Origin.FAILURE:
            return Skipped("the engine had failed then")
        decided = (
            judged.name == (record.about or record.resolved or record.question.name)
            and judged.phase is record.phase
            and judged.verdict.value == record.verdict.value
        )
        action = judged.verdict.value if judged.mode is Mode.ENFORCE else "allow"
        done = Said(action, judged.rule, judged.reason, record.as_ if decided else None, record.to if decided else None)
        return self._rebuilt(record, judged.name, done, judged, allowed)

    def _of_whole(self, record: rec.QueryRecord) -> Rebuilt | Skipped:
        if record.origin is Origin.FAILURE or (record.trigger or "").startswith("failure:"):
            return Skipped("the engine had failed then")
        blocked = record.verdict is not rec.Effect.ALLOW
        if blocked and (record.about or record.trigger or record.phase is Phase.RESPONSE):
            return Skipped("an alias or the answer decided, and records below level full do not hold what was shown")
        rule = record.rule if isinstance(record.rule, str) else ""
        reason = record.reason if isinstance(record.reason, str) else ""
        done = Said(record.verdict.value, rule, reason, record.as_, record.to)
        return self._rebuilt(record, record.resolved or record.question.name, done, None, None)

    def _rebuilt(
        self, record: rec.QueryRecord, name: str, done: Said, judged: rec.Judged | None,
        allowed: frozenset[str] | None,
    ) -> Rebuilt | Skipped:  # fmt: skip
        try:
            query = _query(record, name, judged)
        except ValueError:  # also BadName: a name that was cut, a class without a name
            return Skipped("its name, type or class cannot be read back")
        client, target = _client(record), None if judged is None else _target(judged)
        whole_client = whole_target = False
        if self._world is not None:
            found = self._world.index.targets(query.name, self._world.zones, True)
            if len(found) != 1:
                return Skipped("its address has several owners")
            client, whole_client = _known_client(client, self._world)
            target = _known_target(target, found[0])
            whole_target = target is found[0]
        phase, facts = (Phase.QUERY, None) if judged is None else (judged.phase, _facts(judged.answer))
        if phase is Phase.RESPONSE and facts is None:
            return Skipped("the answer that was judged is not in the record")
        shown = _Shown(client, target, whole_client, whole_target, judged, record, allowed)
        lacks = tuple(".".join(path) for path in self._wanted if shown.lacks(path))
        return Rebuilt(PolicyInput(phase, client, query, target or _NOTHING, facts), done, lacks)


_NOTHING = Target(TargetKind.NONE)
"""Stands for a target that nobody knows; what reads it is not judged."""


class _Shown(msgspec.Struct, frozen=True):
    """What is known of one question. `whole_client`, `whole_target`: with all labels, from the cluster."""

    client: Identity
    target: Target | None
    whole_client: bool
    whole_target: bool
    judged: rec.Judged | None
    record: rec.QueryRecord
    allowed: frozenset[str] | None

    def lacks(self, path: Path) -> bool:
        """Whether the fact at a path is not known."""
        part, name, *below = (*path, "", "")
        key = below[0] if below else ""
        if part == "target":
            return self._target_lacks(name, key)
        if (part, name) == ("client", "alarms"):
            return self.judged is None  # records of level full have them
        if part != "client" or name not in _LABELS or self.whole_client or self.client.kind is not ClientKind.POD:
            return False
        shown = self.record.client.labels if name == "labels" else self.record.client.namespace_labels
        return not self._label_known(key, shown)

    def _target_lacks(self, name: str, key: str) -> bool:
        target = self.target
        if target is None:
            return True
        if name not in (*_LABELS, "endpoints") or self.whole_target or target.kind is TargetKind.EXTERNAL:
            return False
        if name == "endpoints" or (name == "labels" and not target.exists):
            return target.exists
        recorded = None if self.judged is None else self.judged.target
        if recorded is None:
            return True
        return not self._label_known(key, recorded.labels if name == "labels" else recorded.namespace_labels)

    def _label_known(self, key: str, shown: Mapping[str, str] | None) -> bool:
        if not key or self.judged is None:
            return False
        return key == EXISTS or key in (shown or {}) or (self.allowed is not None and key in self.allowed)


def _leaves(paths: Iterable[Path]) -> Iterator[Path]:
    """The paths, with those that stand for much replaced by what may be missing below."""
    for path in paths:
        if len(path) < 2:
            yield from (("client", name) for name in _LABELS if path in ((), ("client",)))
            yield from (("target", name) for name in _TARGET if path in ((), ("target",)))
        else:
            yield path


def _query(record: rec.QueryRecord, name: str, judged: rec.Judged | None) -> Query:
    via = Via.CLIENT if judged is None or judged.via is None else judged.via
    question = record.question
    word = question.class_
    qclass = int(word[5:]) if word.startswith("CLASS") else class_number(word)
    asked = from_text(question.name)
    return Query(from_text(name), type_number(question.type), asked, qclass, transport=record.transport, via=via)


def _client(record: rec.QueryRecord) -> Identity:
    who = record.client
    return Identity(
        who.kind, who.why, who.ip, who.namespace, who.pod, who.uid, who.labels or {}, who.namespace_labels or {},
        who.service_account, who.node, who.zone, None if who.owner is None else Owner(who.owner.kind, who.owner.name),
        tuple(Alarm(*(getattr(alarm, name) for name in Alarm.__struct_fields__)) for alarm in who.alarms),
    )  # fmt: skip


def _target(judged: rec.Judged) -> Target:
    target = judged.target
    assert target is not None
    return Target(
        target.kind, target.namespace, target.name, target.labels or {}, target.namespace_labels or {}, target.exists
    )  # fmt: skip


def _facts(facts: rec.Facts | None) -> AnswerFacts | None:
    return None if facts is None else AnswerFacts(facts.rcode, facts.names, facts.addresses, facts.from_)


def _known_client(client: Identity, world: World) -> tuple[Identity, bool]:
    """With the labels that the cluster has for the pod, and whether it has the pod."""
    if client.namespace is None or client.pod is None:
        return client, False
    pod, namespace = world.index.pod(client.namespace, client.pod), world.index.namespace(client.namespace)
    if pod is None or namespace is None:
        return client, False
    labels = {**pod.labels, **client.labels}
    return msgspec.structs.replace(
        client, labels=labels, namespace_labels={**namespace.labels, **client.namespace_labels}
    ), True  # fmt: skip


def _known_target(recorded: Target | None, found: Target) -> Target | None:
    """What the cluster says, where that is still the same thing."""
    if recorded is None:
        return found
    same = (recorded.kind, recorded.namespace, recorded.name) == (found.kind, found.namespace, found.name)
    return found if same and recorded.exists == found.exists else recorded
