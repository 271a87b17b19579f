"""Text → condition, in the part of govaluate's language that CoreDNS's `firewall` describes."""

from __future__ import annotations

import ipaddress
import re

from dnspolicy.corefile.regex import Regex
from dnspolicy.policy.firewall.fields import field_of
from dnspolicy.policy.firewall.syntax import (
    ARITHMETIC,
    EQUAL,
    LOGICAL,
    MATCHING,
    ORDERED,
    RESULTS,
    BadCondition,
    Binary,
    Called,
    Choice,
    Fact,
    Items,
    Kind,
    Literal,
    Node,
    Unary,
    kind_of,
)

MAX_TEXT = 16_384
MAX_DEPTH = 100
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>0[xX][0-9a-fA-F]{1,8}|\d{1,15}(?:\.\d{1,15})?)
    | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | \[(?P<label>(?:[^\]\\]|\\.)+)\]
    | (?P<name>[A-Za-z_][A-Za-z0-9_.]*)
    | (?P<sign>&&|\|\||==|!=|<=|>=|=~|!~|\?\?|\*\*|<<|>>|[-+*/%<>!?:(),&|^~])
    | (?P<end>$)
    )""",
    re.VERBOSE | re.DOTALL,
)
_LEVELS = (
    frozenset(("||",)),
    frozenset(("&&",)),
    EQUAL | ORDERED | MATCHING | {"in"},
    frozenset("+-"),
    frozenset("*/%"),
)
_ELSEWHERE = frozenset(("??", "**", "<<", ">>", "&", "|", "^", "~"))


def parse(text: str) -> Node:
    """The condition in a text. Raises BadCondition, which says where and why."""
    if len(text) > MAX_TEXT:
        raise BadCondition(f"a condition has {len(text)} characters; at most {MAX_TEXT} are allowed")
    parser = _Parser(text)
    node = parser.expression()
    parser.end()
    if kind_of(node) is not Kind.TRUTH:
        raise BadCondition(f"a condition must be {Kind.TRUTH}, not {kind_of(node)}")
    return node


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._next()

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            rest = self._text[self._at :].strip()[:20]
            why = "is never closed" if rest[:1] in ("'", '"', "[") else "is not expected"
            raise BadCondition(f"{rest!r} {why}")
        self._shown = match[0].strip()
        self._group = match.lastgroup or ""
        self._value = match[self._group]
        if self._group == "name" and self._value in ("in", "IN"):
            self._group, self._value = "sign", "in"
        self._at = match.end()

    def _fail(self, wanted: str) -> BadCondition:
        found = repr(self._shown) if self._shown else "the end"
        if self._group == "sign" and self._value in _ELSEWHERE:
            return BadCondition(f"the operator {found} is not known here")
        return BadCondition(f"expected {wanted}, found {found}")

    def _is(self, sign: str) -> bool:
        return self._group == "sign" and self._value == sign

    def _expect(self, sign: str) -> None:
        if not self._is(sign):
            raise self._fail(repr(sign))
        self._next()

    def end(self) -> None:
        if self._group != "end":
            raise self._fail("an operator or the end")

    def expression(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadCondition(f"more than {MAX_DEPTH} parentheses one in another")
        condition = self._level(0)
        if self._is("?"):
            self._next()
            then = self.expression()
            self._expect(":")
            condition = _choice(condition, then, self.expression())
        self._depth -= 1
        return condition

    def _level(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._prefixed()
        left = self._level(level + 1)
        while self._group == "sign" and self._value in _LEVELS[level]:
            sign = self._value
            self._next()
            left = _binary(sign, left, self._items() if sign == "in" else self._level(level + 1))
        return left

    def _prefixed(self) -> Node:
        if not (self._is("!") or self._is("-")):
            return self._operand()
        sign = self._value
        self._next()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadCondition(f"more than {MAX_DEPTH} signs one before another")
        operand = self._prefixed()
        self._depth -= 1
        _want(Kind.TRUTH if sign == "!" else Kind.NUMBER, operand, sign)
        if sign == "-" and isinstance(operand, Literal):
            return Literal(Kind.NUMBER, -float(operand.value))
        return Unary(sign, operand)

    def _items(self) -> Node:
        """What stands after `in`: constants in parentheses."""
        self._expect("(")
        found: list[str | float | bool] = []
        while True:
            item = self._prefixed()
            if not isinstance(item, Literal):
                raise BadCondition("in a list stand only texts and numbers")
            found.append(item.value)
            if not self._is(","):
                break
            self._next()
        self._expect(")")
        return Items(tuple(found))

    def _operand(self) -> Node:
        group, value = self._group, self._value
        if self._is("("):
            self._next()
            inner = self.expression()
            self._expect(")")
            return inner
        if group not in ("number", "text", "label", "name"):
            raise self._fail("a field, a text, a number or '('")
        self._next()
        if group == "number":
            return Literal(Kind.NUMBER, float(int(value, 16) if value[:2] in ("0x", "0X") else float(value)))
        if group == "text":
            return Literal(Kind.TEXT, re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL))
        if group == "name" and value in ("true", "false"):
            return Literal(Kind.TRUTH, value == "true")
        if group == "name" and self._is("("):
            return self._call(value)
        try:
            return Fact(field_of(value if group == "name" else re.sub(r"\\(.)", r"\1", value)))
        except ValueError as problem:
            raise BadCondition(str(problem)) from None

    def _call(self, name: str) -> Node:
        if name not in RESULTS:
            raise BadCondition(f"{name!r} is no function; they are {', '.join(RESULTS)}")
        self._next()
        arguments: list[Node] = []
        while not self._is(")"):
            if arguments:
                self._expect(",")
            arguments.append(self.expression())
        self._next()
        return _called(name, tuple(arguments))


def _called(name: str, arguments: tuple[Node, ...]) -> Node:
    wanted = {"atoi": 1, "incidr": 2, "random": 0}[name]
    if len(arguments) != wanted:
        raise BadCondition(f"{name} takes {wanted} arguments, not {len(arguments)}")
    for argument in arguments:
        _want(Kind.TEXT, argument, name)
    if name == "incidr":
        network = arguments[1]
        if not isinstance(network, Literal):
            raise BadCondition("the network of incidr must be written out, such as '10.0.0.0/8'")
        try:
            ipaddress.ip_network(str(network.value), strict=False)
        except ValueError:
            raise BadCondition(f"{network.value!r} is no network; expected one such as '10.0.0.0/8'") from None
    return Called(name, arguments)


def _choice(condition: Node, then: Node, other: Node) -> Node:
    _want(Kind.TRUTH, condition, "?")
    if kind_of(then) is not kind_of(other):
        raise BadCondition(f"what stands around ':' is {kind_of(then)} and {kind_of(other)}")
    return Choice(condition, then, other)


def _binary(sign: str, left: Node, right: Node) -> Node:
    if sign in LOGICAL:
        _want(Kind.TRUTH, left, sign)
        _want(Kind.TRUTH, right, sign)
    elif sign in MATCHING:
        _want(Kind.TEXT, left, sign)
        _want_pattern(right, sign)
    elif sign == "in":
        _want_members(left, right)
    elif sign == "+" and kind_of(left) is Kind.TEXT:
        _want(Kind.TEXT, right, sign)
    elif sign in ARITHMETIC:
        _want(Kind.NUMBER, left, sign)
        _want(Kind.NUMBER, right, sign)
    elif kind_of(left) is not kind_of(right):
        raise BadCondition(f"{kind_of(left)} and {kind_of(right)} are never alike; atoi makes a number of a text")
    elif sign in ORDERED and kind_of(left) is Kind.TRUTH:
        raise BadCondition(f"{sign!r} compares numbers or texts")
    return Binary(sign, left, right)


def _want(kind: Kind, node: Node, where: str) -> None:
    if kind_of(node) is not kind:
        raise BadCondition(f"{where!r} wants {kind}, not {kind_of(node)}")


def _want_pattern(node: Node, sign: str) -> None:
    if not (isinstance(node, Literal) and node.kind is Kind.TEXT):
        raise BadCondition(f"what stands after {sign!r} must be a pattern that is written out")
    try:
        Regex(str(node.value))
    except ValueError as problem:
        raise BadCondition(str(problem)) from None


def _want_members(left: Node, right: Node) -> None:
    assert isinstance(right, Items)
    wanted = str if kind_of(left) is Kind.TEXT else float
    if kind_of(left) not in (Kind.TEXT, Kind.NUMBER) or not all(isinstance(v, wanted) for v in right.values):
        raise BadCondition(f"{kind_of(left)} is never one of such a list")
