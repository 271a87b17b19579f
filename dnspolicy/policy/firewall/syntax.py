"""Conditions as values: what CoreDNS's `firewall` writes in the language of govaluate, its types checked."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.policy.firewall.fields import Field


class Kind(StrEnum):
    """What an expression comes to. The text is for people."""

    TEXT = "a text"
    NUMBER = "a number"
    TRUTH = "true or false"
    LIST = "a list"


class BadCondition(DnsPolicyError, ValueError):
    """A condition that cannot be read, or is one that this server does not know."""


class Literal(msgspec.Struct, frozen=True):
    kind: Kind
    value: str | float | bool


class Fact(msgspec.Struct, frozen=True):
    """What is known of the question under a field's name: always a text."""

    field: Field


class Items(msgspec.Struct, frozen=True):
    """`('A', 'AAAA')`, on the right of `in`."""

    values: tuple[str | float | bool, ...]


class Unary(msgspec.Struct, frozen=True):
    sign: str
    operand: Node


class Binary(msgspec.Struct, frozen=True):
    sign: str
    left: Node
    right: Node


class Choice(msgspec.Struct, frozen=True):
    """`condition ? then : other`."""

    condition: Node
    then: Node
    other: Node


class Called(msgspec.Struct, frozen=True):
    """`atoi(TEXT)`, `incidr(ADDRESS, NETWORK)`, `random()`."""

    name: str
    arguments: tuple[Node, ...]


Node = Literal | Fact | Items | Unary | Binary | Choice | Called

RESULTS = {"atoi": Kind.NUMBER, "incidr": Kind.TRUTH, "random": Kind.NUMBER}
"""The functions, with what they come to."""
LOGICAL = frozenset(("&&", "||"))
ORDERED = frozenset(("<", "<=", ">", ">="))
EQUAL = frozenset(("==", "!="))
MATCHING = frozenset(("=~", "!~"))
ARITHMETIC = frozenset("+-*/%")


def kind_of(node: Node) -> Kind:
    """What a node comes to."""
    match node:
        case Literal(kind=kind):
            return kind
        case Fact():
            return Kind.TEXT
        case Items():
            return Kind.LIST
        case Unary(sign=sign):
            return Kind.TRUTH if sign == "!" else Kind.NUMBER
        case Binary(sign=sign, left=left):
            return kind_of(left) if sign in ARITHMETIC else Kind.TRUTH
        case Choice(then=then):
            return kind_of(then)
        case Called(name=name):
            return RESULTS[name]


def fields_of(node: Node) -> frozenset[Field]:
    """All fields a node reads."""
    return frozenset([n.field for n in nodes_of(node) if isinstance(n, Fact)])


def nodes_of(node: Node) -> list[Node]:
    """A node and all below it."""
    match node:
        case Unary(operand=operand):
            below = [operand]
        case Binary(left=left, right=right):
            below = [left, right]
        case Choice(condition=condition, then=then, other=other):
            below = [condition, then, other]
        case Called(arguments=arguments):
            below = list(arguments)
        case _:
            below = []
    return [node, *(found for part in below for found in nodes_of(part))]
