"""What a template can read of one query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metadata import Metadata, Subject
from dnspolicy.model import rr
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Class, Type, class_text

NOTHING: Mapping[str, Any] = {}


class Matched:
    """A query that a template is for. `groups` by number, the whole match first; `named` by name and number."""

    __slots__ = (
        "_metadata",
        "class_text",
        "ctx",
        "groups",
        "name",
        "named",
        "query",
        "regex",
        "type_text",
        "variables",
        "zone",
    )

    def __init__(self, query: Query, ctx: QueryContext, name: str, zone: str, metadata: Metadata) -> None:
        self.query = query
        self.ctx = ctx
        self.name = name
        self.zone = zone
        self.regex = ""
        self.groups: tuple[str, ...] = ()
        self.named: dict[str, str] = {}
        self.class_text = ""
        self.type_text = ""
        self.variables: dict[str, Any] = {}
        self._metadata = metadata

    def found(self, regex: str, groups: tuple[str, ...], names: Mapping[str, int]) -> None:
        """Note what the pattern matched."""
        self.regex = regex
        self.groups = groups
        self.named = {str(number): group for number, group in enumerate(groups)}
        self.named.update((name, groups[number]) for name, number in names.items())

    def of(self, qclass: int, qtype: int) -> None:
        """Note class and type: the query's, or the template's where the query wants any."""
        self.class_text = class_text(qclass if self.query.qclass == Class.ANY else self.query.qclass)
        self.type_text = type_text(qtype if self.query.qtype == Type.ANY else self.query.qtype)

    def describe(self, label: str) -> str:
        return self._metadata.value(label, Subject(self.query, self.ctx.identity))

    def field(self, name: str) -> Any:
        """A value by its name in templates."""
        match name:
            case "Name":
                return self.name
            case "Zone":
                return self.zone
            case "Class":
                return self.class_text
            case "Type":
                return self.type_text
            case "Group":
                return self.named
            case "Match":
                return self.groups
            case "Remote":
                return self.ctx.source
            case "Regex":
                return self.regex
            case "Var":
                return self.variables
            case "Question":
                return _question(self.query, self.name)
            case "Message":
                return _message(self.query, self.name)
        return None


def type_text(number: int) -> str:
    """`TLSA`, or nothing for a number without a name."""
    text = rr.type_text(number)
    return "" if text.startswith("TYPE") else text


def _question(query: Query, name: str) -> Mapping[str, Any]:
    return {"Name": _as_typed(query.name, name), "Qtype": query.qtype, "Qclass": query.qclass}


def _message(query: Query, name: str) -> Mapping[str, Any]:
    return {
        "Id": query.id, "Response": False, "Opcode": 0, "Authoritative": False, "Truncated": False,
        "RecursionDesired": query.rd, "RecursionAvailable": False, "Zero": False, "AuthenticatedData": query.ad,
        "CheckingDisabled": query.cd, "Rcode": 0, "Question": (_question(query, name),),
    }  # fmt: skip


def _as_typed(name: Name, text: str) -> str:
    """The name with the letters as received, where no byte of it needs an escape."""
    wire = name.wire
    labels = []
    at = 0
    while wire[at]:
        labels.append(wire[at + 1 : at + 1 + wire[at]])
        at += wire[at] + 1
    typed = b"".join(label + b"." for label in labels).decode("latin-1")
    return typed if typed.lower() == text else text
