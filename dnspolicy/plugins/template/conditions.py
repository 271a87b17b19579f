"""The `var` and `expr` options: expressions on the query and on what the pattern found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dnspolicy.chain.conditions import beyond_caches, fleeting, functions, reads
from dnspolicy.chain.metadata import Metadata
from dnspolicy.chain.plugin import ClientFact
from dnspolicy.corefile.expression import Expression, ExpressionError, Function, Kind, compile_expression
from dnspolicy.plugins.template.data import Matched

_MAX_TEXT = 65_535


class Conditions:
    """The expressions of one template, in the order of the file.

    `fleeting`: two queries alike in question and client can differ in them. `beyond_caches`: two that are one question
    to a cache can. Raises ValueError, quoting the word, for one that cannot be used.
    """

    def __init__(
        self, variables: Sequence[tuple[str, Sequence[str]]], conditions: Sequence[Sequence[str]], metadata: Metadata
    ) -> None:
        known = {**functions(metadata), **_FUNCTIONS}
        self._metadata = metadata
        self._variables: list[tuple[str, Expression]] = []
        for name, words in variables:
            if name in known or name in ("true", "false", "nil", "any", "all", "none", "one"):
                raise ValueError(f"{name!r} is the name of something else")
            made = _compiled(words, known)
            self._variables.append((name, made))
            known[name] = _variable(name, made.kind)
        self._conditions = [_compiled(words, known) for words in conditions]
        for words, made in zip(conditions, self._conditions, strict=True):
            if made.kind is not Kind.TRUTH:
                raise ValueError(f"{words[0]!r} begins an expression that is not {Kind.TRUTH} but {made.kind}")
        everything = [*(made for _, made in self._variables), *self._conditions]
        self._calls = tuple(call for made in everything for call in made.calls)
        self.fleeting = fleeting(self._calls)
        self.beyond_caches = beyond_caches(self._calls)

    @property
    def reads(self) -> frozenset[ClientFact]:
        """The client facts they can tell apart. Complete once all rooms of the block are built."""
        return reads(self._calls, self._metadata)

    def hold(self, data: Matched) -> bool | None:
        """Whether all conditions are true; None when an expression has no value. Sets the variables of `data`."""
        subject = (data.query, data.ctx, data)
        try:
            for name, made in self._variables:
                data.variables[name] = made.run(subject)
            return all(made.run(subject) for made in self._conditions)
        except (ArithmeticError, ValueError):
            return None


def _compiled(words: Sequence[str], known: Mapping[str, Function]) -> Expression:
    try:
        return compile_expression(" ".join(words), known)
    except ExpressionError as problem:
        raise ValueError(problem.placed_in(words)) from None


def _variable(name: str, kind: Kind) -> Function:
    return Function((), kind, lambda _: lambda subject: subject[2].variables[name], bare=True)


def _replaced(_: object, text: str, old: str, new: str) -> str:
    if text.count(old) * len(new) + len(text) > _MAX_TEXT:
        raise ValueError("the text is too long")
    return text.replace(old, new)


def _plain(call: Callable[..., Any], *arguments: Kind | None, result: Kind = Kind.TEXT) -> Function:
    return Function(arguments, result, lambda _: call)


_FUNCTIONS: Mapping[str, Function] = {
    "group": _plain(lambda subject, which: subject[2].named.get(str(which), ""), None),
    "replace": _plain(_replaced, Kind.TEXT, Kind.TEXT, Kind.TEXT),
    "string": _plain(lambda _, value: str(value).lower() if isinstance(value, bool) else str(value), None),
    "trimPrefix": _plain(lambda _, text, part: text.removeprefix(part), Kind.TEXT, Kind.TEXT),
    "trimSuffix": _plain(lambda _, text, part: text.removesuffix(part), Kind.TEXT, Kind.TEXT),
}
