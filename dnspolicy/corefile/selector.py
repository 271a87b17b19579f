"""Label selectors as Kubernetes writes them: `team=retail,tier!=dev,zone in (a, b),!legacy`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

_TOKEN = re.compile(r"\s*(?:(==|!=|[=!(),])|([^\s=!(),<>]+))")
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(rf"(?:[a-z0-9](?:[a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_NAME}\Z")
_VALUE = re.compile(rf"(?:{_NAME})?\Z")


class Requirement(msgspec.Struct, frozen=True):
    """One condition on a label. `values` None: any value. `wanted` false turns it around."""

    key: str
    values: frozenset[str] | None
    wanted: bool

    def accepts(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        return (value is not None and (self.values is None or value in self.values)) is self.wanted


class Selector(msgspec.Struct, frozen=True):
    """All requirements have to hold; an empty selector accepts everything."""

    requirements: tuple[Requirement, ...] = ()

    def accepts(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.accepts(labels) for requirement in self.requirements)


def parse_selector(text: str) -> Selector:
    """Read a selector. Raises ValueError."""
    return Selector(tuple(_Parser(text).requirements()))


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0

    def requirements(self) -> list[Requirement]:
        if not self._tokens:
            return []
        found = [self._requirement()]
        while self._at < len(self._tokens):
            self._expect(",")
            found.append(self._requirement())
        return found

    def _requirement(self) -> Requirement:
        if self._accept("!"):
            return Requirement(self._key(), None, False)
        key = self._key()
        following = self._peek()
        if following in ("", ","):
            return Requirement(key, None, True)
        self._at += 1
        if following in ("=", "==", "!="):
            return Requirement(key, frozenset((self._value(),)), following != "!=")
        if following in ("in", "notin"):
            return Requirement(key, self._values(), following == "in")
        raise self._complaint(f"{following!r} after {key!r}; expected =, ==, !=, in, notin or a comma")

    def _values(self) -> frozenset[str]:
        self._expect("(")
        found = {self._value()}
        while self._accept(","):
            found.add(self._value())
        self._expect(")")
        return frozenset(found)

    def _key(self) -> str:
        key = self._peek()
        if not _KEY.match(key):
            raise self._complaint(f"{key!r} is no label key" if key else "a label key is missing")
        self._at += 1
        return key

    def _value(self) -> str:
        value = self._peek()
        if value in ("", ",", ")"):
            return ""
        if not _VALUE.match(value):
            raise self._complaint(f"{value!r} is no label value")
        self._at += 1
        return value

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _accept(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._at += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            raise self._complaint(f"{self._peek() or 'the end'!r} where {token!r} is expected")

    def _complaint(self, text: str) -> ValueError:
        return ValueError(f"{self._text!r} is no label selector: {text}")


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None:
            raise ValueError(f"{text!r} is no label selector: {stripped[at:].strip()[:1]!r} is not understood")
        found.append(match[1] or match[2])
        at = match.end()
    return found
