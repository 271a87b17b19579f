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
        return Import(self._word(alias) if alias else path[-1], path)

    def _word(self, span: Node) -> str:
        """The text of a span. Spans may begin or end a little off, so the whole word around it is taken."""
        start, end = span["start"], span["end"]
        return self._text[start:end].decode().strip()

    def rule(self, node: Node) -> Rule:
        (kind, inner), *_ = node.items()
        if kind == "Default":
            value = Body(self.expr(inner["value"]), None, False)
            arguments = tuple(map(self.expr, inner["args"]))
            return Rule(RuleKind.DEFAULT, self._steps(inner["refr"]), _at(inner), arguments, None, (value,))
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
        return Rule(does, path, _at(node), arguments, key, tuple(bodies))

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
        at = _at(inner) if "span" in inner else _at(node)
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
        at = _at(inner)
        if kind in ("String", "RawString", "Number", "Bool", "Null"):
            return Literal(inner["value"], at)
        if kind == "Var":
            return Var(inner["value"], at)
        if kind in ("RefDot", "RefBrack"):
            return self._ref(kind, inner, at)
        if kind == "Call":
            return Call(self._function(inner["fcn"]), tuple(map(self.expr, inner["params"])), at)
        if kind in ("Array", "Set"):
            return Compound(tuple(map(self.expr, inner["items"])), at)
        if kind == "Object":
            return Compound(tuple(self.expr(e) for _, k, v in inner["fields"] for e in (k, v)), at)
        if kind in ("ArrayCompr", "SetCompr"):
            return Comprehension((self.expr(inner["term"]),), self.query(inner["query"]), at)
        if kind == "ObjectCompr":
            return Comprehension((self.expr(inner["key"]), self.expr(inner["value"])), self.query(inner["query"]), at)
        return self._operator(kind, inner, at)

    def _operator(self, kind: str, inner: Node, at: int) -> Expr:
        if kind == "AssignExpr":
            return Assign(self.expr(inner["lhs"]), self.expr(inner["rhs"]), inner["op"] == "Eq", at)
        if kind in ("BoolExpr", "ArithExpr", "BinExpr"):
            return Op(str(inner["op"]).lower(), (self.expr(inner["lhs"]), self.expr(inner["rhs"])), at)
        if kind == "UnaryExpr":
            return Op("neg", (self.expr(inner["expr"]),), at)
        if kind == "Membership":
            operands = tuple(self.expr(inner[k]) for k in ("key", "value", "collection") if inner.get(k))
            return Op("in", operands, at)
        raise UnknownSyntax(f"an expression of kind {kind}")

    def _ref(self, kind: str, inner: Node, at: int) -> Ref:
        head = self.expr(inner["refr"])
        if kind == "RefDot":
            span, name = inner["field"]
            step: Expr = Literal(name, span["start"])
        else:
            step = self.expr(inner["index"])
        if isinstance(head, Ref):
            return Ref(head.head, (*head.steps, step), at)
        return Ref(head, (step,), at)

    def _function(self, node: Node) -> str:
        return ".".join(self.path(node))


def _at(node: Any) -> int:
    """The first byte: spans of compound nodes begin at their last token, so the least of all inside is taken."""
    span = node.get("span") if isinstance(node, Mapping) else None
    least: int = span["start"] if span else 1 << 60
    stack = [node]
    while stack:
        here = stack.pop()
        if isinstance(here, Mapping):
            start = here.get("start")
            if isinstance(start, int) and start < least:
                least = start
            stack.extend(here.values())
        elif isinstance(here, list):
            stack.extend(here)
    return least
