"""Tokens → a checked expression that can be run. Operators bind as in expr-lang."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from dnspolicy.corefile.expression.lexer import Lexeme, Token, lexemes
from dnspolicy.corefile.expression.operators import NEGATABLE, PRECEDENCE, UNARY, binary, choice, unary
from dnspolicy.corefile.expression.values import Call, ExpressionError, Function, Kind, Node, Run, constant

MAX_DEPTH = 50
MAX_OPERATORS = 200
"""Each of them may be a step deeper when it runs."""
_CONSTANTS = {"true": True, "false": False}
QUANTIFIERS: Mapping[str, Callable[[Iterable[bool]], bool]] = {
    "all": all, "any": any, "none": lambda held: not any(held), "one": lambda held: sum(held) == 1,
}  # fmt: skip


class Expression(msgspec.Struct, frozen=True):
    """A condition. `calls` are all functions it may call.

    `run` takes the subject that the functions know and gives the value. It raises ArithmeticError or ValueError when
    there is none, such as for a division by zero.
    """

    run: Run
    kind: Kind
    calls: tuple[Call, ...]


def compile_expression(text: str, functions: Mapping[str, Function]) -> Expression:
    """Read and check an expression. Raises ExpressionError."""
    parser = _Parser(text, functions)
    node = parser.whole()
    return Expression(node.run, node.kind, tuple(parser.calls))


class _Parser:
    def __init__(self, text: str, functions: Mapping[str, Function]) -> None:
        self._lexemes = lexemes(text)
        self._functions = functions
        self._at = 0
        self._depth = 0
        self._operators = 0
        self._items: list[tuple[list[Any], Kind]] = []
        self.calls: list[Call] = []

    def whole(self) -> Node:
        node = self._expression(0)
        left = self._next
        if left.token is not Token.END:
            raise ExpressionError("something is left over where an operator or the end should be", left.at)
        return node

    @property
    def _next(self) -> Lexeme:
        return self._lexemes[self._at]

    def _take(self) -> Lexeme:
        taken = self._next
        if taken.token is not Token.END:
            self._at += 1
        return taken

    def _accept(self, sign: str) -> bool:
        found = self._next
        if found.token is Token.SIGN and found.value == sign:
            self._at += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise ExpressionError(f"{sign} is missing", self._next.at)

    def _expression(self, least: int) -> Node:
        """An expression of operators that bind at least as tight as `least`."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"more than {MAX_DEPTH} parts within each other", self._next.at)
        node = self._operand()
        while (longer := self._operation(node, least)) is not None:
            node = longer
        if least == 0:
            node = self._maybe_choice(node)
        self._depth -= 1
        return node

    def _operation(self, left: Node, least: int) -> Node | None:
        """One more operator and its right side; None when none follows."""
        start, first = self._at, self._next
        if first.token is not Token.SIGN:
            return None
        negated = self._accept("not")
        sign = self._take()
        power = PRECEDENCE.get(sign.value) if sign.token is Token.SIGN else None
        if power is None or power < least or (negated and sign.value not in NEGATABLE):
            self._at = start
            return None
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            raise ExpressionError(f"more than {MAX_OPERATORS} operators", first.at)
        made = binary(sign.value, left, self._expression(power + 1), first.at)
        return unary("not", made, first.at) if negated else made

    def _maybe_choice(self, condition: Node) -> Node:
        at = self._next.at
        if not self._accept("?"):
            return condition
        then = self._expression(0)
        self._expect(":")
        return choice(condition, then, self._expression(0), at)

    def _operand(self) -> Node:
        taken = self._take()
        match taken.token:
            case Token.NUMBER:
                return constant(Kind.NUMBER, taken.value, taken.at)
            case Token.TEXT:
                return constant(Kind.TEXT, taken.value, taken.at)
            case Token.NAME:
                return self._named(taken)
            case Token.SIGN if taken.value in UNARY:
                return unary(taken.value, self._expression(UNARY[taken.value]), taken.at)
            case Token.SIGN if taken.value == "(":
                node = self._expression(0)
                self._expect(")")
                return node
            case Token.SIGN if taken.value == "#" and self._items:
                item, kind = self._items[-1]
                return Node(kind, lambda _: item[0], taken.at)
            case Token.SIGN if taken.value == "[":
                return self._list(taken.at)
        raise ExpressionError("a value is missing", taken.at)

    def _list(self, at: int) -> Node:
        nodes = self._until("]")
        kinds = {node.kind for node in nodes}
        if len(kinds) > 1 or Kind.LIST in kinds:
            raise ExpressionError("a list holds texts alone, or numbers alone", at)
        items = next(iter(kinds), None)
        if all(node.constant for node in nodes):
            return constant(Kind.LIST, tuple(node.value for node in nodes), at, items)
        runs = tuple(node.run for node in nodes)
        return Node(Kind.LIST, lambda s: tuple([run(s) for run in runs]), at, items=items)

    def _until(self, end: str) -> list[Node]:
        """Expressions with commas between, and the sign at their end."""
        nodes: list[Node] = []
        while not self._accept(end):
            if nodes:
                self._expect(",")
                if end == "]" and self._accept(end):
                    break
            nodes.append(self._expression(0))
        return nodes

    def _named(self, name: Lexeme) -> Node:
        if name.value in _CONSTANTS:
            return constant(Kind.TRUTH, _CONSTANTS[name.value], name.at)
        if name.value in QUANTIFIERS:
            return self._quantified(name)
        function = self._functions.get(name.value)
        if function is None:
            known = ", ".join(sorted((*self._functions, *QUANTIFIERS)))
            raise ExpressionError(f"nothing is called {name.value}; functions are {known}", name.at)
        if function.bare:
            return self._call(name, function, [])
        if not self._accept("("):
            raise ExpressionError(f"{name.value} is a function; write {name.value}()", name.at)
        return self._call(name, function, self._until(")"))

    def _quantified(self, name: Lexeme) -> Node:
        """`any(LIST, CONDITION)` and its like; `#` in the condition is the item it is about."""
        self._expect("(")
        items = self._expression(0)
        if items.kind is not Kind.LIST:
            raise ExpressionError(f"{name.value} takes {Kind.LIST}, not {items.kind}", items.at)
        self._expect(",")
        item: list[Any] = [None]
        self._items.append((item, items.items or Kind.TEXT))
        condition = self._expression(0)
        self._items.pop()
        self._expect(")")
        if condition.kind is not Kind.TRUTH:
            raise ExpressionError(f"{name.value} takes a condition, not {condition.kind}", condition.at)
        return Node(Kind.TRUTH, _counting(QUANTIFIERS[name.value], items.run, condition.run, item), name.at)

    def _call(self, name: Lexeme, function: Function, arguments: list[Node]) -> Node:
        wanted = function.arguments
        if len(arguments) != len(wanted):
            raise ExpressionError(f"{name.value} takes {len(wanted)} values, not {len(arguments)}", name.at)
        for kind, node in zip(wanted, arguments, strict=True):
            if kind is not None and node.kind is not kind:
                raise ExpressionError(f"{name.value} takes {kind}, not {node.kind}", node.at)
        constants = tuple(node.value for node in arguments)
        try:
            call = function.bind(constants)
        except ValueError as problem:
            raise ExpressionError(f"{name.value}: {problem}", name.at) from None
        self.calls.append(Call(name.value, constants))
        return Node(function.result, _calling(call, [node.run for node in arguments]), name.at)


def _calling(call: Any, runs: list[Run]) -> Run:
    match runs:
        case []:
            return call  # type: ignore[no-any-return]
        case [only]:
            return lambda s: call(s, only(s))
        case [first, second]:
            return lambda s: call(s, first(s), second(s))
    return lambda s: call(s, *(run(s) for run in runs))


def _counting(enough: Callable[[Iterable[bool]], bool], items: Run, condition: Run, item: list[Any]) -> Run:
    def holds(subject: Any, value: Any) -> bool:
        item[0] = value
        return bool(condition(subject))

    return lambda s: enough(holds(s, value) for value in items(s))
