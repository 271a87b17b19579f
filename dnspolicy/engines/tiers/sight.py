"""What the policy of a namespace is shown of a question, and so what it can read of it.

Everything about the client, which is of its own namespace; the question; of what it points at the place alone, with
labels if that is its own namespace's. No endpoints, and no answers.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from dnspolicy.model.target import TargetKind
from dnspolicy.policy.document import TargetDocument
from dnspolicy.policy.footprint import Path
from dnspolicy.policy.input import VERSION, PolicyInput, client_json, labels_if, query_json, target_json

_HEAD = b'{"version":%d,"phase":"query","client":' % VERSION
_TARGET = frozenset(
    ("target", key) for key in ("kind", "namespace", "name", "exists", "labels", "namespace_labels")
)  # fmt: skip
_PLACE = frozenset({("target", "kind"), ("target", "namespace"), ("target", "exists")})
"""What says whether labels are shown; part of all that is read of a target."""


def encode(question: PolicyInput) -> bytes:
    """The input document for the policy of the client's namespace. Raises as `input.encode` does."""
    parts = (_HEAD, client_json(question.client), query_json(question.query), b',"target":', _target(question), b"}")
    return b"".join(parts)


def _target(question: PolicyInput) -> bytes:
    target = question.target
    if target.kind is TargetKind.EXTERNAL:
        return target_json(target)
    own = target.namespace is not None and target.namespace == question.client.namespace
    return msgspec.json.encode(
        TargetDocument(
            kind=target.kind,
            namespace=UNSET if target.namespace is None else target.namespace,
            name=UNSET if target.name is None else target.name,
            labels=labels_if(target.exists, target.labels) if own else UNSET,
            namespace_labels=labels_if(target.exists, target.namespace_labels) if own else UNSET,
            exists=target.exists,
        )
    )


def seen(paths: Iterable[Path]) -> frozenset[Path]:
    """Of all that a policy would read, what it is shown."""
    found: set[Path] = set()
    for path in paths:
        if not path:
            found |= {("client",), ("query",), *_TARGET}
        elif path[0] in ("client", "query"):
            found.add(path)
        elif path == ("target",):
            found |= _TARGET
        elif path[0] == "target":
            found |= _PLACE if path[1] == "endpoints" else {path, *_PLACE}
    return frozenset(found)
