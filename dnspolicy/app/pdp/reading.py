"""From a `CheckRequest` to an input: the same document comes out of it again, key by key.

A request that no input document looks like is refused rather than read as something near it. `bucket`, `hash`, `labels`
and `suffixes` follow from the rest and are worked out anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.engines.grpc.words import CLIENTS, PHASES, TARGETS, TRANSPORTS, VIAS, words
from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.model.identity import NO_LABELS, Alarm, ClientKind, Identity, Owner
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.printable import printable
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Class, class_text, type_number, type_text
from dnspolicy.model.target import EXTERNAL, Target, TargetEndpoint, TargetKind
from dnspolicy.policy.input import AnswerFacts, PolicyInput

_REMEMBERED = 4096
_SMALL = 4096
"""Bytes of a part that is remembered: what is larger is read each time, so that a stranger fills no memory."""
_PHASES, _CLIENTS, _VIAS = words(PHASES), words(CLIENTS), words(VIAS)
_TRANSPORTS, _TARGETS = words(TRANSPORTS), words(TARGETS)
_CLASSES = {c.name: int(c) for c in Class}
T = TypeVar("T")


class BadRequest(DnsPolicyError):
    """A request is no input. The text is fit to be shown."""


def read(request: pb.CheckRequest) -> PolicyInput:
    """The input of a request. Raises BadRequest."""
    if not (request.HasField("client") and request.HasField("query") and request.HasField("target")):
        raise BadRequest("a request has client, query and target")
    client = request.client.SerializeToString(deterministic=True)
    target = request.target.SerializeToString(deterministic=True)
    try:
        return PolicyInput(
            _word(_PHASES, request.phase, "phase"),
            _client(client) if len(client) <= _SMALL else _client_of(request.client),
            _query(request.query),
            _target(target) if len(target) <= _SMALL else _target_of(request.target),
            _answer(request.answer) if request.HasField("answer") else None,
        )
    except ValueError as problem:  # BadName is one
        raise BadRequest(printable(str(problem))) from None


@lru_cache(_REMEMBERED)
def _client(raw: bytes) -> Identity:
    """One identity for equal bytes, so that all that is remembered by identity is found again."""
    return _client_of(pb.Client.FromString(raw))


def _client_of(client: pb.Client) -> Identity:
    kind = _word(_CLIENTS, client.kind, "kind of client")
    known = kind is ClientKind.POD
    if not client.ip:
        raise ValueError("a client has an ip")
    return Identity(
        kind=kind,
        why=client.why,
        ip=client.ip,
        namespace=_text(client, "namespace"),
        pod=_text(client, "pod"),
        labels=_labels(client, "labels", known),
        namespace_labels=_labels(client, "namespace_labels", known),
        service_account=_text(client, "service_account"),
        node=_text(client, "node"),
        zone=_text(client, "zone"),
        owner=Owner(client.owner.kind, client.owner.name) if client.HasField("owner") else None,
        alarms=_alarms(client),
    )


def _alarms(client: pb.Client) -> tuple[Alarm, ...]:
    """Alarms are there when there are some."""
    found = client.alarms.entries
    if client.HasField("alarms") and not found:
        raise ValueError("`alarms` without any are not given")
    return tuple(_alarm(domain, found[domain]) for domain in sorted(found))


def _alarm(domain: str, alarm: pb.Alarm) -> Alarm:
    return Alarm(domain, alarm.since, alarm.until, alarm.names, alarm.bytes, alarm.length, alarm.entropy)


def _query(query: pb.Query) -> Query:
    name = _name(query.name)
    return Query(
        name,
        _type(query.type),
        name if query.asked == query.name else _name(query.asked),
        _class(getattr(query, "class")),
        transport=_word(_TRANSPORTS, query.transport, "transport"),
        via=_word(_VIAS, query.via, "via"),
    )


@lru_cache(_REMEMBERED)
def _name(text: str) -> Name:
    """A name in the form of the input, which is the only one that gives the same text again."""
    name = from_text(text)
    if str(name) != text:
        raise ValueError(f"{text!r} is not written as names of the input are, which would be {str(name)!r}")
    return name


@lru_cache(512)
def _type(text: str) -> int:
    number = type_number(text)
    if type_text(number) != text:
        raise ValueError(f"{text!r} is not written as types of the input are, which would be {type_text(number)!r}")
    return number


@lru_cache(512)
def _class(text: str) -> int:
    digits = text.removeprefix("CLASS")
    number = _CLASSES.get(text, int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else -1)
    if not 0 <= number < 65536 or class_text(number) != text:
        raise ValueError(f"{text!r} is no class")
    return number


@lru_cache(_REMEMBERED)
def _target(raw: bytes) -> Target:
    return _target_of(pb.Target.FromString(raw))


def _target_of(target: pb.Target) -> Target:
    kind = _word(_TARGETS, target.kind, "kind of target")
    outside = kind is TargetKind.EXTERNAL
    if target.HasField("exists") is outside:
        raise ValueError("`exists` is absent for names outside the cluster, and there for all others")
    both = target.HasField("labels") and target.HasField("namespace_labels")
    exists = both if outside else target.exists
    endpoints = tuple(map(_endpoint, target.endpoints.entries))
    if target.HasField("endpoints") is not (bool(endpoints) or (exists and kind is TargetKind.SERVICE)):
        raise ValueError("`endpoints` are there for a service that exists, and for nothing without endpoints")
    found = Target(
        kind=kind,
        namespace=_text(target, "namespace"),
        name=_text(target, "name"),
        labels=_labels(target, "labels", exists),
        namespace_labels=_labels(target, "namespace_labels", exists),
        exists=exists,
        endpoints=endpoints,
    )
    plain = outside and not (both or endpoints or found.labels or found.namespace_labels)
    return EXTERNAL if plain and found.namespace is None and found.name is None else found


def _endpoint(endpoint: pb.Endpoint) -> TargetEndpoint:
    pod = _text(endpoint, "pod")
    labels = _labels(endpoint, "labels", pod is not None)
    return TargetEndpoint(endpoint.ip, pod, _text(endpoint, "node"), _text(endpoint, "zone"), labels)


def _answer(answer: pb.Answer) -> AnswerFacts:
    return AnswerFacts(answer.rcode, tuple(answer.names), tuple(answer.addresses), getattr(answer, "from"))


def _text(message: pb.Client | pb.Target | pb.Endpoint, field: str) -> str | None:
    return getattr(message, field) if message.HasField(field) else None


def _labels(message: pb.Client | pb.Target | pb.Endpoint, field: str, known: bool) -> Mapping[str, str]:
    """Labels. They are there when they are known; when it is not known that there are none, some must be."""
    if not message.HasField(field):
        if known:
            raise ValueError(f"`{field}` of what is known are given, also when there are none")
        return NO_LABELS
    found = dict(getattr(message, field).entries)
    if not found and not known:
        raise ValueError(f"`{field}` of what is not known are not given")
    return found


def _word(known: Mapping[int, T], number: int, place: str) -> T:
    found = known.get(number)
    if found is None:
        raise ValueError(f"{number} is no {place}")
    return found
