"""The `template` directive."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from dnspolicy.chain.metadata import Metadata
from dnspolicy.corefile.regex import Regex
from dnspolicy.corefile.schema import Positional, Zone
from dnspolicy.model.rr import class_number, rcode_number, type_number
from dnspolicy.plugins.template.conditions import Conditions
from dnspolicy.plugins.template.parser import Template, parse

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_QUESTION = ("Name", "Qtype", "Qclass")
_MESSAGE = (
    "Id", "Response", "Opcode", "Authoritative", "Truncated", "RecursionDesired", "RecursionAvailable", "Zero",
    "AuthenticatedData", "CheckingDisabled", "Rcode", "Question",
)  # fmt: skip


class Variable(msgspec.Struct, frozen=True):
    """`var NAME EXPRESSION`."""

    name: Annotated[str, Positional]
    expression: Annotated[tuple[str, ...], Positional]


class Condition(msgspec.Struct, frozen=True):
    """`expr EXPRESSION`."""

    expression: Annotated[tuple[str, ...], Positional]


class ExtendedError(msgspec.Struct, frozen=True):
    """`ederror CODE [TEXT]` (RFC 8914)."""

    code: Annotated[int, Positional, msgspec.Meta(ge=0, le=65_535)]
    text: Annotated[str, Positional] = ""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`template CLASS TYPE [ZONES…]`. Raises ValueError for what is no class, type, pattern or template."""

    class_: Annotated[str, Positional]
    type_: Annotated[str, Positional]
    zones: Annotated[tuple[Zone, ...], Positional] = ()
    match: tuple[str, ...] = ()
    var: tuple[Variable, ...] = ()
    expr: tuple[Condition, ...] = ()
    answer: tuple[str, ...] = ()
    additional: tuple[str, ...] = ()
    authority: tuple[str, ...] = ()
    rcode: str = "NOERROR"
    ederror: ExtendedError | None = None
    fallthrough: tuple[Zone, ...] | None = None
    upstream: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.qclass()
        self.qtype()
        self.code()
        self.patterns()
        names = [variable.name for variable in self.var]
        for number, name in enumerate(names):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a variable; expected letters, digits and _")
            if name in names[:number]:
                raise ValueError(f"{name!r} is set twice")
        self.conditions(Metadata(enabled=False))
        for texts in (self.answer, self.additional, self.authority):
            self.templates(texts)

    def qclass(self) -> int:
        return class_number(self.class_)

    def qtype(self) -> int:
        return type_number(self.type_)

    def code(self) -> int:
        return rcode_number(self.rcode)

    def patterns(self) -> tuple[Regex, ...]:
        """What a name must match, one of them; without any, every name does."""
        return tuple(map(Regex, self.match or (".*",)))

    def conditions(self, metadata: Metadata) -> Conditions:
        """What must hold beside the pattern, and the variables. Raises ValueError."""
        variables = [(variable.name, variable.expression) for variable in self.var]
        return Conditions(variables, [condition.expression for condition in self.expr], metadata)

    def templates(self, texts: tuple[str, ...]) -> tuple[Template, ...]:
        """The templates of one section. Raises ValueError."""
        return tuple(map(self._template, texts))

    def _template(self, text: str) -> Template:
        known = {
            "Zone": (), "Name": (), "Class": (), "Type": (), "Remote": (), "Regex": (), "Match": (), "Group": None,
            "Question": _QUESTION, "Message": _MESSAGE, "Var": tuple(v.name for v in self.var), "Meta": (),
        }  # fmt: skip
        try:
            return parse(text, known)
        except ValueError as problem:
            raise ValueError(f"{text!r} is not a template: {problem}") from None
