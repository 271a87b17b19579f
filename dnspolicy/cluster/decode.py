"""Kubernetes JSON or YAML documents → trimmed objects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from dnspolicy.cluster import raw
from dnspolicy.cluster.objects import Kind, Object
from dnspolicy.cluster.raw import BadObject, RawObject
from dnspolicy.cluster.sharing import Sharing

RAW: dict[tuple[str, Kind], type[RawObject]] = {
    ("v1", Kind.NAMESPACE): raw.Namespace,
    ("v1", Kind.NODE): raw.Node,
    ("v1", Kind.SERVICE): raw.Service,
    ("discovery.k8s.io/v1", Kind.ENDPOINT_SLICE): raw.EndpointSlice,
    ("v1", Kind.POD): raw.Pod,
}
"""What is read, by apiVersion and kind. Objects of the same kind in other API groups are something else."""

_AT = re.compile(r"^(.*?) - at (.*)$", re.DOTALL)
_FIELD = re.compile(r"`\$\.?([^`]*)`")
_T = TypeVar("_T")


class _Header(msgspec.Struct, rename="camel"):
    api_version: str = ""
    kind: str = ""
    items: Sequence[Any] | None = None


class _JsonHeader(_Header):
    """Leaves the items as bytes, for the structs of their kinds."""

    items: list[msgspec.Raw] | None = None


class Decoder:
    """Turns documents into objects; shares equal label sets and texts among all it has decoded."""

    def __init__(self) -> None:
        self._share = Sharing()

    def decode(self, document: object) -> list[Object]:
        """All objects of a document: JSON bytes, or what a YAML or JSON parser made of it.

        Lists are unfolded; kinds that are not needed give nothing. Raises BadObject.
        """
        return self._decode(document, "", "")

    def _decode(self, document: object, version: str, kind: str) -> list[Object]:
        header = _header(document)
        version, kind = header.api_version or version, header.kind or kind
        if not version or not kind:
            raise BadObject("", "expected a Kubernetes object with apiVersion and kind")
        if kind.endswith("List"):
            return self._items(header, version, kind.removesuffix("List"))
        wanted = RAW.get((version, Kind(kind))) if kind in _KINDS else None
        return [] if wanted is None else [_read(document, wanted).trim(self._share)]

    def _items(self, header: _Header, version: str, kind: str) -> list[Object]:
        """Items of a typed list need not say what they are: their list does."""
        found: list[Object] = []
        for at, item in enumerate(header.items or ()):
            try:
                found += self._decode(item, version if kind else "", kind)
            except BadObject as problem:
                raise BadObject(f"items[{at}].{problem.field}".rstrip("."), problem.problem) from None
        return found


_KINDS = frozenset(Kind)


def _header(document: object) -> _Header:
    wanted: type[_Header] = _JsonHeader if isinstance(document, bytes | msgspec.Raw) else _Header
    return _read(document, wanted)


def _read(document: object, wanted: type[_T]) -> _T:
    try:
        if isinstance(document, bytes | msgspec.Raw):
            return msgspec.json.decode(document, type=wanted)
        return msgspec.convert(document, wanted)
    except msgspec.ValidationError as problem:
        raise _complaint(str(problem)) from None
    except msgspec.DecodeError as problem:
        raise BadObject("", f"not JSON: {problem}") from None


def _complaint(text: str) -> BadObject:
    """msgspec says `Expected ... - at `$.spec.type``: field and problem apart."""
    match = _AT.match(text)
    if match is None:
        return BadObject("", text[:1].lower() + text[1:])
    field = _FIELD.search(match[2])
    problem = "expected a name of lower-case letters, digits, '-' and '.'" if "regex" in match[1] else match[1]
    return BadObject(field[1] if field else "", problem[:1].lower() + problem[1:])
