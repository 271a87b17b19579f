"""What conditions can ask about a query: the functions of expressions, by their names in CoreDNS."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metadata import Metadata, Subject
from dnspolicy.chain.plugin import NO_FACTS, ClientFact
from dnspolicy.corefile.expression import Call, Function, Kind
from dnspolicy.model.name import master_text
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import class_text, type_text

Asked = tuple[Query, QueryContext]
"""The subject of a condition."""

SMALLEST = 512
"""Bytes that every client takes over UDP (RFC 1035 4.2.1)."""
LARGEST = 65_535
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_FLEETING = frozenset(("id", "port", "server_ip"))
"""Functions whose values can differ between two queries that are alike and of one client."""
_APART = frozenset(("bufsize", "proto", "server_port", "size"))
"""Those that no cache tells queries apart by."""


def functions(metadata: Metadata) -> Mapping[str, Function]:
    """All functions; `metadata` knows the labels."""
    return {**_FUNCTIONS, "metadata": Function((Kind.TEXT,), Kind.TEXT, lambda constants: _label(metadata, *constants))}


def reads(calls: Iterable[Call], metadata: Metadata) -> frozenset[ClientFact]:
    """The client facts that these functions can tell apart."""
    found = NO_FACTS
    for call in calls:
        if call.name == "client_ip":
            found |= {("ip",)}
        elif call.name == "metadata":
            found |= metadata.facts_of(call.arguments[0])
    return found


def fleeting(calls: Iterable[Call]) -> bool:
    """Whether two queries alike in question and client can have different values."""
    return any(call.name in _FLEETING for call in calls)


def beyond_caches(calls: Iterable[Call]) -> bool:
    """Whether two queries that are one question to a cache can have different values, whoever asks them."""
    return any(call.name in _APART or call.name in _FLEETING for call in calls)


def _label(metadata: Metadata, label: str | None) -> Callable[[Asked, str], str]:
    if label is None:
        raise ValueError("the label must be a fixed text")
    namespace, slash, rest = label.partition("/")
    if not (namespace and slash and rest):
        raise ValueError("a label has the form plugin/name")
    return lambda asked, label: metadata.value(label, Subject(asked[0], asked[1].identity))


def _in_network(constants: tuple[Any, ...]) -> Callable[[Asked, str, str], bool]:
    if constants[1] is None:
        return lambda _, address, network: ip_address(address) in ip_network(network, strict=False)
    try:
        known = ip_network(constants[1], strict=False)
    except ValueError:
        known = None
    if known is None or "/" not in constants[1]:
        raise ValueError("the network must be written as 10.0.0.0/8 or 2001:db8::/32")
    return lambda _, address, network: ip_address(address) in known


def buffer_size(query: Query) -> int:
    """Bytes of a reply that the client takes."""
    if query.transport is not Transport.UDP:
        return LARGEST
    return SMALLEST if query.edns is None else max(SMALLEST, query.edns.size)


def _whole(text: str) -> int:
    """A whole number without blanks and underscores. Raises ValueError."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is no whole number")
    return int(text)


def _plain(result: Kind, value: Callable[..., Any], *arguments: Kind) -> Function:
    return Function(arguments, result, lambda _: value)


_FUNCTIONS: dict[str, Function] = {
    "bufsize": _plain(Kind.NUMBER, lambda asked: buffer_size(asked[0])),
    "class": _plain(Kind.TEXT, lambda asked: class_text(asked[0].qclass)),
    "client_ip": _plain(Kind.TEXT, lambda asked: asked[1].source),
    "do": _plain(Kind.TRUTH, lambda asked: asked[0].edns is not None and asked[0].edns.do),
    "id": _plain(Kind.NUMBER, lambda asked: asked[0].id),
    "incidr": Function((Kind.TEXT, Kind.TEXT), Kind.TRUTH, _in_network),
    "name": _plain(Kind.TEXT, lambda asked: master_text(asked[0].name)),
    "opcode": _plain(Kind.NUMBER, lambda asked: 0),  # others are answered before any condition is asked
    "port": _plain(Kind.TEXT, lambda asked: str(asked[1].port)),
    "proto": _plain(Kind.TEXT, lambda asked: asked[0].transport.value),
    "server_ip": _plain(Kind.TEXT, lambda asked: asked[1].server_ip),
    "server_port": _plain(Kind.TEXT, lambda asked: str(asked[1].server_port)),
    "size": _plain(Kind.NUMBER, lambda asked: asked[0].size),
    "type": _plain(Kind.TEXT, lambda asked: type_text(asked[0].qtype)),
    "int": _plain(Kind.NUMBER, lambda _, text: _whole(text), Kind.TEXT),
    "len": _plain(Kind.NUMBER, lambda _, text: len(text), Kind.TEXT),
    "lower": _plain(Kind.TEXT, lambda _, text: text.lower(), Kind.TEXT),
    "upper": _plain(Kind.TEXT, lambda _, text: text.upper(), Kind.TEXT),
    "trim": _plain(Kind.TEXT, lambda _, text: text.strip(), Kind.TEXT),
    "hasPrefix": _plain(Kind.TRUTH, lambda _, text, part: text.startswith(part), Kind.TEXT, Kind.TEXT),
    "hasSuffix": _plain(Kind.TRUTH, lambda _, text, part: text.endswith(part), Kind.TEXT, Kind.TEXT),
}
