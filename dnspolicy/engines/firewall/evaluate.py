"""Conditions as functions. What rests on something that is not known is not known (None), as in Kleene's logic."""

from __future__ import annotations

import ipaddress
import operator
import random
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from dnspolicy.corefile.regex import Regex
from dnspolicy.policy.firewall.syntax import Binary, Called, Choice, Fact, Items, Literal, Node, Unary
from dnspolicy.policy.input import PolicyInput

Value = str | float | bool | None
Run = Callable[[PolicyInput, str | None], Value]
"""From the input and the address of the answer that is looked at."""
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
COMPARED: Mapping[str, Callable[[str | float, str | float], Value]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: float(a) / float(b) if b else None,
    "%": lambda a, b: _remainder(float(a), float(b)) if b else None,
}


def compiled(node: Node) -> Run:
    """A condition or a part of one as a function."""
    match node:
        case Literal(value=value):
            return lambda question, address: value
        case Fact(field=field):
            return field.read
        case Unary(sign=sign, operand=operand):
            return _negated(compiled(operand)) if sign == "!" else _minus(compiled(operand))
        case Binary():
            return _binary(node)
        case Choice(condition=condition, then=then, other=other):
            return _choice(compiled(condition), compiled(then), compiled(other))
        case Called(name=name, arguments=arguments):
            return _called(name, tuple(map(compiled, arguments)))
        case Items():
            raise AssertionError("a list stands only after `in`")


def _negated(run: Run) -> Run:
    def negated(question: PolicyInput, address: str | None) -> Value:
        value = run(question, address)
        return None if value is None else not value

    return negated


def _minus(run: Run) -> Run:
    def minus(question: PolicyInput, address: str | None) -> Value:
        value = run(question, address)
        return None if value is None else -float(value)

    return minus


def _binary(node: Binary) -> Run:
    left = compiled(node.left)
    match node.sign, node.right:
        case "&&" | "||", right:
            return _logical(node.sign == "||", left, compiled(right))
        case "in", Items(values=values):
            return _tested(left, frozenset(values).__contains__)
        case "=~", Literal(value=pattern):
            return _tested(left, Regex(str(pattern)).matches)
        case "!~", Literal(value=pattern):
            matches = Regex(str(pattern)).matches
            return _tested(left, lambda value: not matches(value))
        case sign, right:
            return _computed(COMPARED[sign], left, compiled(right))


def _logical(decides: bool, left: Run, right: Run) -> Run:
    """And, or or: one side that `decides` is enough, also beside one that is not known."""

    def logical(question: PolicyInput, address: str | None) -> Value:
        one = left(question, address)
        if one is decides:
            return decides
        other = right(question, address)
        if other is decides:
            return decides
        return None if one is None or other is None else not decides

    return logical


def _tested(run: Run, test: Callable[[str], bool]) -> Run:
    def tested(question: PolicyInput, address: str | None) -> Value:
        value = run(question, address)
        return None if value is None else test(value)  # type: ignore[arg-type]

    return tested


def _computed(compute: Callable[[str | float, str | float], Value], left: Run, right: Run) -> Run:
    def computed(question: PolicyInput, address: str | None) -> Value:
        one, other = left(question, address), right(question, address)
        return None if one is None or other is None else compute(one, other)

    return computed


def _choice(condition: Run, then: Run, other: Run) -> Run:
    def choice(question: PolicyInput, address: str | None) -> Value:
        chosen = condition(question, address)
        return None if chosen is None else (then if chosen else other)(question, address)

    return choice


def _called(name: str, arguments: tuple[Run, ...]) -> Run:
    if name == "random":
        return lambda question, address: random.random()
    if name == "atoi":
        return _computed_alone(arguments[0])
    network = arguments[1]
    return lambda question, address: _inside(arguments[0](question, address), str(network(question, address)))


def _computed_alone(run: Run) -> Run:
    def number(question: PolicyInput, address: str | None) -> Value:
        value = run(question, address)
        return float(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else None

    return number


def _inside(address: Value, network: str) -> bool | None:
    """Whether an address lies in a network; what is no address is not known. A mapped IPv4 address is that address."""
    try:
        found = ipaddress.ip_address(str(address))
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found in _network(network)


@lru_cache(1024)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


def _remainder(one: float, other: float) -> float:
    """With the sign of the dividend, as in Go."""
    rest = abs(one) % abs(other)
    return rest if one >= 0 else -rest
