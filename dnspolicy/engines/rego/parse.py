"""Regorus' syntax tree (JSON) into `tree`. What is not known here is refused, so nothing is overlooked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dnspolicy.engines.rego.tree import (
    Assign,
    Body,
    Call,
    Compound,
    Comprehension,
    Does,
    Expr,
    Import,
    Literal,
    Module,
    Op,
    Query,
    Ref,
    Rule,
    RuleKind,
    Statement,
    Var,
)

Node = Mapping[str, Any]


class UnknownSyntax(Exception):
    """The tree holds something this reader does not know."""


def module(tree: Node) -> Module:
    """One file. Raises UnknownSyntax."""
    ast = tree["ast"]
    text: str = tree["source"]["contents"]
    reader = _Reader(text.encode())
    return Module(
        file=tree["source"]["file"],
        text=text,
        package=reader.path(ast["package"]["refr"]),
        imports=tuple(reader.imported(i) for i in ast["imports"]),
        rules=tuple(reader.rule(r) for r in ast["rules"]),
    )


class _Reader:
    def __init__(self, text: bytes) -> None:
        self._text = text

    def path(self, node: Node) -> tuple[str, ...]:
        """A reference whose steps are all texts."""
        expr = self.expr(node)
        if isinstance(expr, Var):
            return (expr.name,)
        if isinstance(expr, Ref) and isinstance(expr.head, Var):
            return (expr.head.name, *[str(s.value) for s in expr.steps if isinstance(s, Literal)])
        raise UnknownSyntax("a package or import that is no constant path")

    def imported(self, node: Node) -> Import:
        path = self.path(node["refr"])
        alias = node.get("as")
        return Import(self._word(alias) if alias else path[-1], path, node["span"]["start"])

    def _word(self, span: Node) -> str:
        """The text of a span. Spans may begin or end a little off, so the whole word around it is taken."""
        start, end = span["start"], span["end"]
        return self._text[start:end].decode().strip()

    def rule(self, node: Node) -> Rule:
        (kind, inner), *_ = node.items()
        if kind == "Default":
            value = Body(self.expr(inner["value"]), None, False)
            arguments = tuple(map(self.expr, inner["args"]))
            return Rule(RuleKind.DEFAULT, self._steps(inner["refr"]), inner["span"]["start"], arguments, None, (value,))
        if kind != "Spec":
            raise UnknownSyntax(f"a rule of kind {kind}")
        return self._spec(inner)

    def _spec(self, node: Node) -> Rule:
        (kind, head), *_ = node["head"].items()
        path = self._steps(head["refr"])
        first = self._value(head.get("assign"))
        bodies = [
            Body(self._value(b["assign"]) if b["is_else"] else first, self.query(b["query"]), b["is_else"])
            for b in node["bodies"]
        ] or [Body(first, None, False)]
        arguments = tuple(map(self.expr, head.get("args") or ()))
        key = self.expr(head["key"]) if kind == "Set" and head.get("key") else None
        partial = kind == "Set" or not all(isinstance(s, Literal) for s in path)
        kinds = {"Set": RuleKind.PARTIAL, "Func": RuleKind.FUNCTION}
        if kind not in ("Set", "Func", "Compr"):
            raise UnknownSyntax(f"a rule head of kind {kind}")
        does = kinds.get(kind, RuleKind.PARTIAL if partial else RuleKind.COMPLETE)
        return Rule(does, path, min(node["span"]["start"], path[0].at), arguments, key, tuple(bodies))

    def _value(self, assign: Node | None) -> Expr | None:
        return self.expr(assign["value"]) if assign else None

    def _steps(self, node: Node) -> tuple[Expr, ...]:
        """A rule's name as steps."""
        expr = self.expr(node)
        if isinstance(expr, Var):
            return (Literal(expr.name, expr.at),)
        if isinstance(expr, Ref) and isinstance(expr.head, Var):
            return (Literal(expr.head.name, expr.at), *expr.steps)
        raise UnknownSyntax("a rule without a name")

    def query(self, node: Node) -> Query:
        return Query(tuple(map(self._statement, node["stmts"])))

    def _statement(self, node: Node) -> Statement:
        (kind, inner), *_ = node["literal"].items()
        at: int = node["span"]["start"]
        mods = tuple((self.expr(m["refr"]), self.expr(m["as"])) for m in node.get("with_mods") or ())
        if kind == "Expr":
            return Statement(Does.HOLDS, at, self.expr(inner["expr"]), mods=mods)
        if kind == "NotExpr":
            return Statement(Does.NOT, at, self.expr(inner["expr"]), mods=mods)
        if kind == "SomeVars":
            names = tuple(Var(self._word(v), v["start"]) for v in inner["vars"])
            return Statement(Does.SOME, at, binds=names, mods=mods)
        if kind == "SomeIn":
            binds = tuple(self.expr(inner[k]) for k in ("key", "value") if inner.get(k))
            return Statement(Does.SOME_IN, at, binds=binds, over=self.expr(inner["collection"]), mods=mods)
        if kind == "Every":
            names = tuple(Var(self._word(inner[k]), inner[k]["start"]) for k in ("key", "value") if inner.get(k))
            body = self.query(inner["query"])
            return Statement(Does.EVERY, at, binds=names, over=self.expr(inner["domain"]), body=body, mods=mods)
        raise UnknownSyntax(f"a statement of kind {kind}")

    def expr(self, node: Node) -> Expr:
        (kind, inner), *_ = node.items()
        start: int = inner["span"]["start"]
        if kind in ("String", "RawString", "Number", "Bool", "Null"):
            return Literal(inner["value"], start)
        if kind == "Var":
            return Var(inner["value"], start)
        if kind in ("RefDot", "RefBrack"):
            return self._ref(kind, inner)
        if kind == "Call":
            name = inner["fcn"]
            arguments = tuple(map(self.expr, inner["params"]))
            return Call(self._function(name), arguments, min(start, self.expr(name).at))
        if kind in ("Array", "Set"):
            items = tuple(map(self.expr, inner["items"]))
            return Compound(items, _first(start, items))
        if kind == "Object":
            items = tuple(self.expr(e) for _, k, v in inner["fields"] for e in (k, v))
            return Compound(items, _first(start, items))
        if kind in ("ArrayCompr", "SetCompr", "ObjectCompr"):
            heads = tuple(self.expr(inner[k]) for k in ("term", "key", "value") if inner.get(k))
            return Comprehension(heads, self.query(inner["query"]), _first(start, heads))
        return self._operator(kind, inner, start)

    def _operator(self, kind: str, inner: Node, start: int) -> Expr:
        operands = tuple(
            self.expr(inner[k]) for k in ("lhs", "rhs", "expr", "key", "value", "collection") if inner.get(k)
        )
        at = _first(start, operands)
        if kind == "AssignExpr":
            return Assign(operands[0], operands[1], inner["op"] == "Eq", at)
        if kind in ("BoolExpr", "ArithExpr", "BinExpr"):
            return Op(str(inner["op"]).lower(), operands, at)
        if kind == "UnaryExpr":
            return Op("neg", operands, at)
        if kind == "Membership":
            return Op("in", operands, at)
        raise UnknownSyntax(f"an expression of kind {kind}")

    def _ref(self, kind: str, inner: Node) -> Ref:
        head = self.expr(inner["refr"])
        if kind == "RefDot":
            span, name = inner["field"]
            step: Expr = Literal(name, span["start"])
        else:
            step = self.expr(inner["index"])
        if isinstance(head, Ref):
            return Ref(head.head, (*head.steps, step), head.at)
        return Ref(head, (step,), head.at)

    def _function(self, node: Node) -> str:
        return ".".join(self.path(node))


def _first(start: int, parts: tuple[Expr, ...]) -> int:
    """The first byte of a compound: spans may begin at the last token instead."""
    return min([start, *[p.at for p in parts]])
