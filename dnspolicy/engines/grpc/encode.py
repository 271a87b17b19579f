"""From an input to the bytes of a `CheckRequest`, of which the parts that repeat are written once.

Messages are put together from their parts as the wire format has them (protobuf, "Message Structure"): a tag, a length,
the part. Building all of them for each question would take three times as long.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache

from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.engines.grpc.words import CLIENTS, PHASES, TARGETS, TRANSPORTS, VIAS
from dnspolicy.model.identity import Alarm, ClientKind, Identity
from dnspolicy.model.query import Query
from dnspolicy.model.rr import class_text, type_text
from dnspolicy.model.spread import bucket, of_client, of_owner, spread
from dnspolicy.model.target import EXTERNAL, Target, TargetEndpoint
from dnspolicy.policy.input import AnswerFacts, PolicyInput, has_endpoints, labels_if

_REMEMBERED = 4096
_HEAD = struct.Struct("<BQBI")
_ID, _BUDGET = 1 << 3 | 1, 2 << 3 | 5
_PHASE, _CLIENT, _QUERY, _TARGET, _ANSWER = 3 << 3, 4 << 3 | 2, 5 << 3 | 2, 6 << 3 | 2, 7 << 3 | 2
_REQUEST = 1 << 3 | 2
_LONGEST = 0xFFFFFFFF
MICRO = 1_000_000


def body(question: PolicyInput) -> bytes:
    """A `CheckRequest` without id and budget. Raises UnicodeEncodeError for half a surrogate pair in a fact."""
    parts = (
        _PHASES[question.phase],
        client_bytes(question.client),
        _part(_QUERY, _query(question.query).SerializeToString()),
        target_bytes(question.target),
    )
    if question.answer is None:
        return b"".join(parts)
    return b"".join((*parts, _part(_ANSWER, _answer(question.answer).SerializeToString())))


def request(body: bytes, number: int = 0, seconds: float = 0.0) -> bytes:
    """A `CheckRequest`. `seconds` is what is left for it, 0 for what the call has."""
    return _HEAD.pack(_ID, number, _BUDGET, min(max(int(seconds * MICRO), 0), _LONGEST)) + body


def item(request: bytes) -> bytes:
    """A request as one of a `CheckBatchRequest`, which is nothing but these after each other."""
    return _part(_REQUEST, request)


def _part(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    if size < 0x4000:
        return bytes((tag, size & 0x7F | 0x80, size >> 7)) + content
    head = bytearray((tag,))
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head) + content


_PHASES = {phase: bytes((_PHASE, number)) for phase, number in PHASES.items()}


@lru_cache(_REMEMBERED)
def client_bytes(client: Identity) -> bytes:
    """The `client` part. Remembered per identity: what is known of an address changes by a new Identity."""
    who = of_client(client)
    known = client.kind is ClientKind.POD
    owner = client.owner
    message = pb.Client(
        kind=CLIENTS[client.kind],  # type: ignore[arg-type]
        why=client.why,
        ip=client.ip,
        bucket=bucket(who),
        hash=spread(who),
        namespace=client.namespace,
        pod=client.pod,
        labels=_labels(known, client.labels),
        namespace_labels=_labels(known, client.namespace_labels),
        service_account=client.service_account,
        node=client.node,
        zone=client.zone,
        owner=None
        if owner is None
        else pb.Owner(kind=owner.kind, name=owner.name, bucket=bucket(of_owner(client, owner))),
        alarms=_alarms(client.alarms) if client.alarms else None,
    )
    return _part(_CLIENT, message.SerializeToString(deterministic=True))


def _alarms(alarms: tuple[Alarm, ...]) -> pb.Alarms:
    return pb.Alarms(
        entries={
            a.domain: pb.Alarm(
                since=a.since, until=a.until, names=a.names, bytes=a.bytes, length=a.length, entropy=a.entropy
            )
            for a in alarms
        }
    )


def _query(query: Query) -> pb.Query:
    name = str(query.name)
    labels = name.split(".") if query.name.labels else []
    return pb.Query(
        name=name,
        labels=labels,
        suffixes=[".".join(labels[i:]) for i in range(len(labels))] or ["."],
        asked=name if query.asked is query.name else str(query.asked),
        via=VIAS[query.via],  # type: ignore[arg-type]
        type=type_text(query.qtype),
        transport=TRANSPORTS[query.transport],  # type: ignore[arg-type]
        **{"class": class_text(query.qclass)},
    )


@lru_cache(_REMEMBERED)
def target_bytes(target: Target) -> bytes:
    """The `target` part. Remembered per target, as long as it is the same object."""
    message = pb.Target(
        kind=TARGETS[target.kind],  # type: ignore[arg-type]
        namespace=target.namespace,
        name=target.name,
        labels=_labels(target.exists, target.labels),
        namespace_labels=_labels(target.exists, target.namespace_labels),
        exists=None if target.kind is EXTERNAL.kind else target.exists,
        endpoints=pb.Endpoints(entries=map(_endpoint, target.endpoints)) if has_endpoints(target) else None,
    )
    return _part(_TARGET, message.SerializeToString(deterministic=True))


def _endpoint(endpoint: TargetEndpoint) -> pb.Endpoint:
    return pb.Endpoint(
        ip=endpoint.ip,
        hash=spread(endpoint.pod or endpoint.ip),
        pod=endpoint.pod,
        node=endpoint.node,
        zone=endpoint.zone,
        labels=_labels(endpoint.pod is not None, endpoint.labels),
    )


def _answer(answer: AnswerFacts) -> pb.Answer:
    return pb.Answer(rcode=answer.rcode, names=answer.names, addresses=answer.addresses, **{"from": answer.made_by})


def _labels(known: bool, labels: Mapping[str, str]) -> pb.Labels | None:
    found = labels_if(known, labels)
    return pb.Labels(entries=found) if isinstance(found, dict) else None
