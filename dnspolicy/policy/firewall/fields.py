"""The names that conditions use for what is known of a question, and where that stands in the input document.

A field is a text, or None when it is not known. `response_ip` is looked at for each address of the answer in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from dnspolicy.model.identity import ClientKind
from dnspolicy.model.rr import class_text, type_text
from dnspolicy.model.target import TargetKind
from dnspolicy.policy.footprint import Path
from dnspolicy.policy.input import PolicyInput

Read = Callable[[PolicyInput, str | None], str | None]
"""From the input, and the address of the answer that is looked at, to the field's text."""
ADDRESS = "response_ip"
_LABEL = "kubernetes/client-label/"
_SERVICES = (TargetKind.SERVICE, TargetKind.ENDPOINT)
_TREES = {TargetKind.SERVICE: "svc", TargetKind.ENDPOINT: "svc", TargetKind.POD: "pod"}
OF_A_QUERY = frozenset(("port", "size", ">id", ">bufsize", ">do", "server_ip", "server_port"))
OF_A_REPLY = frozenset(("rsize", ">rflags"))


class Field(msgspec.Struct, frozen=True, eq=False):
    """`reads` are paths of the input document; `rego` is the same as an expression of Rego, undefined when not known.

    `response`: there is none before the answer.
    """

    name: str
    reads: tuple[Path, ...]
    rego: str
    read: Read
    response: bool = False


def _rcode(question: PolicyInput, address: str | None) -> str | None:
    return None if question.answer is None else question.answer.rcode


def _service(question: PolicyInput, address: str | None) -> str | None:
    return (question.target.name or "") if question.target.kind in _SERVICES else ""


_KNOWN = (
    Field("type", (("query", "type"),), "input.query.type", lambda q, a: type_text(q.query.qtype)),
    Field("name", (("query", "name"),), "name", lambda q, a: q.query.name.dotted),
    Field("class", (("query", "class"),), "input.query.class", lambda q, a: class_text(q.query.qclass)),
    Field("proto", (("query", "transport"),), "input.query.transport", lambda q, a: q.query.transport.value),
    Field("client_ip", (("client", "ip"),), "input.client.ip", lambda q, a: q.client.ip),
    Field(">opcode", (), '"0"', lambda q, a: "0"),
    Field("rcode", (("answer", "rcode"),), "input.answer.rcode", _rcode, response=True),
    Field(ADDRESS, (("answer", "addresses"),), "address", lambda q, a: a, response=True),
    Field(
        "kubernetes/client-namespace",
        (("client", "namespace"),),
        "input.client.namespace",
        lambda q, a: q.client.namespace,
    ),
    Field("kubernetes/client-pod-name", (("client", "pod"),), "input.client.pod", lambda q, a: q.client.pod),
    Field(
        "kubernetes/namespace",
        (("target", "namespace"),),
        "target_namespace",
        lambda q, a: q.target.namespace or "",
    ),
    Field("kubernetes/service", (("target", "kind"), ("target", "name")), "target_service", _service),
    Field("kubernetes/kind", (("target", "kind"),), "target_tree", lambda q, a: _TREES.get(q.target.kind, "")),
)
FIELDS: Mapping[str, Field] = {field.name: field for field in _KNOWN}
"""By the name in a condition, beside `kubernetes/client-label/KEY`."""


def field_of(name: str) -> Field:
    """The field of a name. Raises ValueError that says why there is none."""
    found = FIELDS.get(name)
    if found is not None:
        return found
    if name.startswith(_LABEL) and name != _LABEL:
        return _label(name, name.removeprefix(_LABEL))
    if name in OF_A_QUERY:
        raise ValueError(f"{name!r} differs between two queries that are otherwise alike; no policy is given it")
    if name in OF_A_REPLY:
        raise ValueError(f"{name!r} is known only when the reply is written; no policy is given it")
    known = ", ".join([*FIELDS, f"{_LABEL}KEY"])
    raise ValueError(f"{name!r} is no field that is known here; they are {known}")


def _label(name: str, key: str) -> Field:
    """A label of the client: empty for a pod that has none, not known for anybody else."""

    def read(question: PolicyInput, address: str | None) -> str | None:
        client = question.client
        return client.labels.get(key, "") if client.kind is ClientKind.POD else None

    quoted = msgspec.json.encode(key).decode()
    return Field(
        name,
        (("client", "kind"), ("client", "labels", key)),
        f'object.get(input.client.labels, {quoted}, "")',
        read,
    )
