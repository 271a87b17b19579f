"""How a rule finds a name and what it makes of it. Names are text: lower case, with the final dot."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import msgspec

from dnspolicy.corefile.regex import Regex, fill
from dnspolicy.model.name import from_text

Lookup = Callable[[str], str]
"""The value of a metadata label, empty when nobody knows it."""
_PLACE = re.compile(r"\{([^{}]*)\}")
_LABEL = re.compile(r"[^/{}]+/[^{}]+")


class Match(StrEnum):
    """How a name is compared."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    SUBSTRING = "substring"
    REGEX = "regex"


class Renaming(Protocol):
    """Makes one name of another."""

    def rename(self, text: str, lookup: Lookup) -> str | None:
        """The new name, None when the rule is not for `text`. It may be no valid name."""
        ...


class Exact(msgspec.Struct, frozen=True):
    from_: str
    to: str = ""

    def rename(self, text: str, lookup: Lookup) -> str | None:
        return self.to if text == self.from_ else None


class Prefix(msgspec.Struct, frozen=True):
    from_: str
    to: str = ""

    def rename(self, text: str, lookup: Lookup) -> str | None:
        return self.to + text.removeprefix(self.from_) if text.startswith(self.from_) else None


class Suffix(msgspec.Struct, frozen=True):
    from_: str
    to: str = ""

    def rename(self, text: str, lookup: Lookup) -> str | None:
        return text.removesuffix(self.from_) + self.to if text.endswith(self.from_) else None


class Substring(msgspec.Struct, frozen=True):
    from_: str
    to: str = ""

    def rename(self, text: str, lookup: Lookup) -> str | None:
        return text.replace(self.from_, self.to) if self.from_ in text else None


class Pattern(msgspec.Struct, frozen=True):
    """`{1}` in `to` stands for the first group of `regex`."""

    regex: Regex
    to: str = ""

    def rename(self, text: str, lookup: Lookup) -> str | None:
        groups = self.regex.find(text)
        return None if groups is None else fill(self.to, groups)


class Described(msgspec.Struct, frozen=True):
    """A pattern whose `to` may hold metadata labels too: `{kubernetes/client-namespace}`.

    A label without a value means that the rule is not for this query.
    """

    regex: Regex
    to: str

    def rename(self, text: str, lookup: Lookup) -> str | None:
        groups = self.regex.find(text)
        if groups is None:
            return None
        made: list[str] = []
        at = 0
        for place in _PLACE.finditer(self.to):
            what = place[1]
            value = groups[int(what)] if what.isdecimal() else lookup(what).lower()
            if not value and not what.isdecimal():
                return None
            made += (self.to[at : place.start()].lower(), value)
            at = place.end()
        return "".join((*made, self.to[at:].lower()))

    @property
    def labels(self) -> tuple[str, ...]:
        """The metadata labels it reads."""
        return tuple(place[1] for place in _PLACE.finditer(self.to) if not place[1].isdecimal())


_KINDS: dict[Match, Callable[[str, str], Renaming]] = {
    Match.EXACT: Exact,
    Match.PREFIX: Prefix,
    Match.SUFFIX: Suffix,
    Match.SUBSTRING: Substring,
}


def fqdn(word: str) -> str:
    """Lower case, with the final dot."""
    lowered = word.lower()
    return lowered if lowered.endswith(".") else f"{lowered}."


def renaming(match: Match, from_: str, to: str) -> Renaming:
    """The renaming that two words of a Corefile ask for. Raises ValueError."""
    if match is Match.REGEX:
        return pattern(from_, to)
    if match is Match.EXACT:
        from_text(from_)
        from_text(to)
    return _KINDS[match](fqdn(from_), fqdn(to))


def matching(match: Match, word: str) -> Renaming:
    """What finds the names a rule is for, without renaming them. Raises ValueError."""
    if match is Match.REGEX:
        return Pattern(Regex(word))
    if match is Match.EXACT:
        from_text(word)
    return _KINDS[match](fqdn(word), "")


def pattern(from_: str, to: str, final_dot: bool = True) -> Pattern:
    """A pattern and what its matches become. Raises ValueError."""
    regex = Regex(from_)
    for place in _PLACE.finditer(to):
        if place[1].isdecimal() and int(place[1]) > regex.groups:
            raise ValueError(f"{to!r} uses group {place[0]}, and the pattern has {regex.groups}")
    return Pattern(regex, fqdn(to) if final_dot else to.lower())


def described(from_: str, to: str) -> Described:
    """A pattern with metadata. Raises ValueError."""
    pattern(from_, to)
    for place in _PLACE.finditer(to):
        if not place[1].isdecimal() and not _LABEL.fullmatch(place[1]):
            raise ValueError(f"{to!r} has {place[0]}, which is neither a group nor a metadata label")
    if "{" in _PLACE.sub("", to) or "}" in _PLACE.sub("", to):
        raise ValueError(f"{to!r} has a brace without its other half")
    return Described(Regex(from_), to if to.endswith(".") else f"{to}.")


def raw(match: Match, from_: str, to: str) -> Renaming:
    """A renaming of alias targets, whose parts are taken as they are written (CoreDNS). Raises ValueError."""
    if match is Match.EXACT:
        return renaming(match, from_, to)
    if match is Match.REGEX:
        return pattern(from_, to, final_dot=False)
    return _KINDS[match](from_.lower(), to.lower())
