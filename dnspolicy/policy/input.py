"""The input document: one versioned schema for all engines and both phases."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from dnspolicy.model.facts import AnswerFacts as AnswerFacts
from dnspolicy.model.identity import Alarm, ClientKind, Identity
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query
from dnspolicy.model.rr import class_text, type_text
from dnspolicy.model.spread import bucket, of_client, of_owner, spread
from dnspolicy.model.target import EXTERNAL, Target, TargetEndpoint, TargetKind
from dnspolicy.model.verdict import Phase
from dnspolicy.policy.decode import DECISION
from dnspolicy.policy.document import (
    AlarmDocument,
    AnswerDocument,
    ClientDocument,
    EndpointDocument,
    InputDocument,
    OwnerDocument,
    TargetDocument,
)

VERSION = 1
_REMEMBERED = 4096
_json = msgspec.json.Encoder().encode


class PolicyInput(msgspec.Struct, frozen=True, gc=False):
    """One thing to be judged. `answer` only in the response phase."""

    phase: Phase
    client: Identity
    query: Query
    target: Target
    answer: AnswerFacts | None = None


def encode(question: PolicyInput) -> bytes:
    """The input document as JSON (UTF-8), exactly as `document.InputDocument` describes it.

    Raises UnicodeEncodeError when a fact of client or target holds half a surrogate pair.
    """
    head = _QUERY_HEAD if question.phase is Phase.QUERY else _RESPONSE_HEAD
    parts = [
        head,
        client_json(question.client),
        query_json(question.query),
        b',"target":',
        target_json(question.target),
    ]
    if question.answer is not None:
        parts += (b',"answer":', answer_json(question.answer))
    parts.append(b"}")
    return b"".join(parts)


_QUERY_HEAD = b'{"version":%d,"phase":"query","client":' % VERSION
_RESPONSE_HEAD = b'{"version":%d,"phase":"response","client":' % VERSION


@lru_cache(_REMEMBERED)
def client_json(client: Identity) -> bytes:
    """The `client` part. Remembered per identity: what is known of an address changes by a new Identity."""
    owner = client.owner
    known = client.kind is ClientKind.POD
    return _json(
        ClientDocument(
            kind=client.kind,
            why=client.why,
            ip=client.ip,
            bucket=bucket(of_client(client)),
            hash=spread(of_client(client)),
            namespace=_known(client.namespace),
            pod=_known(client.pod),
            labels=labels_if(known, client.labels),
            namespace_labels=labels_if(known, client.namespace_labels),
            service_account=_known(client.service_account),
            node=_known(client.node),
            zone=_known(client.zone),
            owner=UNSET if owner is None else OwnerDocument(owner.kind, owner.name, bucket(of_owner(client, owner))),
            alarms={alarm.domain: _alarm(alarm) for alarm in client.alarms} if client.alarms else UNSET,
        )
    )


def query_json(query: Query) -> bytes:
    """`,"query":` and the part. The texts need no escapes but that of the backslash."""
    name, labels, suffixes = _name_json(query.name)
    asked = name if query.asked is query.name else str(query.asked).replace("\\", "\\\\")
    return (
        f',"query":{{"name":"{name}","labels":{labels},"suffixes":{suffixes},"asked":"{asked}","via":"{query.via.value}",'
        f'"type":"{type_text(query.qtype)}","class":"{class_text(query.qclass)}",'
        f'"transport":"{query.transport.value}"}}'
    ).encode()


def _name_json(name: Name) -> tuple[str, str, str]:
    """Name, labels and suffixes as JSON; an odd byte is `\\DDD`, so the text holds no dot but those between labels."""
    text = str(name).replace("\\", "\\\\")
    if not name.labels:
        return text, "[]", '["."]'
    parts = text.split(".")
    suffixes = [text]
    rest = text
    for part in parts[:-1]:
        rest = rest[len(part) + 1 :]
        suffixes.append(rest)
    return text, '["' + '","'.join(parts) + '"]', '["' + '","'.join(suffixes) + '"]'


def target_json(target: Target) -> bytes:
    """The `target` part."""
    if target is EXTERNAL:
        return b'{"kind":"external"}'
    return _json(
        TargetDocument(
            kind=target.kind,
            namespace=_known(target.namespace),
            name=_known(target.name),
            labels=labels_if(target.exists, target.labels),
            namespace_labels=labels_if(target.exists, target.namespace_labels),
            exists=UNSET if target.kind is TargetKind.EXTERNAL else target.exists,
            endpoints=tuple(map(_endpoint, target.endpoints)) if has_endpoints(target) else UNSET,
        )
    )


def answer_json(answer: AnswerFacts) -> bytes:
    """The `answer` part."""
    return _json(AnswerDocument(answer.rcode, answer.names, answer.addresses, answer.made_by))


def has_endpoints(target: Target) -> bool:
    """Whether `target.endpoints` is known."""
    return bool(target.endpoints) or (target.exists and target.kind is TargetKind.SERVICE)


def labels_if(known: bool, labels: Mapping[str, str]) -> Mapping[str, str] | UnsetType:
    """Labels, or nothing when there are none and it is not known that there are none."""
    return dict(labels) if known or labels else UNSET


def _alarm(alarm: Alarm) -> AlarmDocument:
    return AlarmDocument(alarm.since, alarm.until, alarm.names, alarm.bytes, alarm.length, alarm.entropy)


def _known(text: str | None) -> str | UnsetType:
    return UNSET if text is None else text


def _endpoint(endpoint: TargetEndpoint) -> EndpointDocument:
    return EndpointDocument(
        endpoint.ip,
        spread(endpoint.pod or endpoint.ip),
        _known(endpoint.pod),
        _known(endpoint.node),
        _known(endpoint.zone),
        labels_if(endpoint.pod is not None, endpoint.labels),
    )


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the input document and of the decision, under `input` and `decision`."""
    return {"input": msgspec.json.schema(InputDocument), "decision": msgspec.json.schema(DECISION)}
