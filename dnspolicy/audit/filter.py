"""The filter language of `dnspolicy observe`. Pure.

A filter is a key and a value. Filters with the same key are alternatives (or), different keys must all hold (and), and
whatever a negated filter finds is left out.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

import msgspec

from dnspolicy.audit.record import Effect, Line, LostRecord, QueryRecord, RepeatRecord
from dnspolicy.audit.render import timestamp
from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.model.identity import ClientKind
from dnspolicy.model.rr import Rcode, rcode_text, type_number, type_text
from dnspolicy.model.verdict import Action, Mode, Origin, Phase

_E = TypeVar("_E", bound=StrEnum)
Match = Callable[[QueryRecord], bool]


class BadFilter(DnsPolicyError, ValueError):
    """A filter's value cannot be understood. The text says what is wrong and what is expected."""


class Key(StrEnum):
    """What can be filtered by."""

    VERDICT = "verdict"
    WOULD = "would"
    MODE = "mode"
    RULE = "rule"
    ORIGIN = "origin"
    PHASE = "phase"
    NAMESPACE = "namespace"
    POD = "pod"
    KIND = "kind"
    IP = "ip"
    NAME = "name"
    TYPE = "type"
    RCODE = "rcode"


class Term(msgspec.Struct, frozen=True):
    """One filter. `text` is what was asked for; `matches` tells whether a record has it."""

    key: Key
    text: str
    matches: Match
    negated: bool = False


class Filter(msgspec.Struct, frozen=True):
    """Several terms and a span of time (record timestamps, both ends included)."""

    terms: tuple[Term, ...] = ()
    since: str | None = None
    until: str | None = None

    def accepts(self, line: Line) -> bool:
        """Whether a record is wanted.

        A `lost` record is whenever its time is, since a record that was wanted may be among the lost; `start` and
        `stop` are when there are no terms.
        """
        if not self.in_time(line):
            return False
        if isinstance(line, QueryRecord):
            return self._matches(line)
        return isinstance(line, LostRecord) or not self.terms

    def in_time(self, line: Line) -> bool:
        """Whether a record, or any of the queries it stands for, lies in the span."""
        first = last = line.time
        if isinstance(line, RepeatRecord | LostRecord):
            first, last = line.first, line.last
        return (self.since is None or last >= self.since) and (self.until is None or first <= self.until)

    def _matches(self, record: QueryRecord) -> bool:
        wanted: dict[Key, bool] = {}
        for term in self.terms:
            if term.negated:
                if term.matches(record):
                    return False
            elif not wanted.get(term.key):
                wanted[term.key] = term.matches(record)
        return all(wanted.values())


def term(key: Key, text: str, *, negated: bool = False) -> Term:
    """Read one filter. Raises BadFilter."""
    return Term(key, text, _MAKERS[key](text), negated)


def _verdict(text: str) -> Match:
    effect = _word(Effect, text, "verdict")
    return lambda r: r.verdict is effect


def _would(text: str) -> Match:
    action = _word(Action, text, "verdict")
    return lambda r: any(w.verdict is action for w in r.would)


def _mode(text: str) -> Match:
    """`enforce`: the verdict was in force. `shadow`: rules in shadow had something to say."""
    if _word(Mode, text, "mode") is Mode.ENFORCE:
        return lambda r: r.mode is Mode.ENFORCE
    return lambda r: bool(r.would)


def _rule(text: str) -> Match:
    matches = _glob(text)
    return lambda r: (isinstance(r.rule, str) and matches(r.rule)) or any(matches(w.rule) for w in r.would)


def _origin(text: str) -> Match:
    origin = _word(Origin, text, "origin")
    return lambda r: r.origin is origin


def _phase(text: str) -> Match:
    phase = _word(Phase, text, "phase")
    return lambda r: r.phase is phase


def _namespace(text: str) -> Match:
    matches = _glob(text)
    return lambda r: r.client.namespace is not None and matches(r.client.namespace)


def _pod(text: str) -> Match:
    namespace, slash, name = text.rpartition("/")
    in_namespace, named = _glob(namespace if slash else "*"), _glob(name)
    return lambda r: r.client.pod is not None and in_namespace(r.client.namespace or "") and named(r.client.pod)


def _kind(text: str) -> Match:
    kind = _word(ClientKind, text, "kind of client")
    return lambda r: r.client.kind is kind


def _ip(text: str) -> Match:
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise BadFilter(f"{text!r} is not an address or a network such as 10.0.0.0/8") from None

    def matches(record: QueryRecord) -> bool:
        try:
            return ipaddress.ip_address(record.client.ip) in network
        except ValueError:
            return False

    return matches


def _name(text: str) -> Match:
    matches = _glob(text if text == "." else text.removesuffix("."))
    return lambda r: matches(r.question.name) or (r.resolved is not None and matches(r.resolved))


def _type(text: str) -> Match:
    try:
        wanted = type_text(type_number(text.strip()))
    except ValueError as problem:
        raise BadFilter(str(problem)) from None
    return lambda r: r.question.type == wanted


def _rcode(text: str) -> Match:
    word = text.strip().upper()
    if not (word in Rcode.__members__ or re.fullmatch(r"RCODE[0-9]{1,4}", word)):
        raise BadFilter(f"{text!r} is not a response code; expected {_choices(Rcode.__members__)} or RCODEn")
    wanted = rcode_text(int(word[5:])) if word.startswith("RCODE") else word
    return lambda r: r.rcode == wanted


_MAKERS: dict[Key, Callable[[str], Match]] = {
    Key.VERDICT: _verdict, Key.WOULD: _would, Key.MODE: _mode, Key.RULE: _rule, Key.ORIGIN: _origin, Key.PHASE: _phase,
    Key.NAMESPACE: _namespace, Key.POD: _pod, Key.KIND: _kind, Key.IP: _ip, Key.NAME: _name, Key.TYPE: _type,
    Key.RCODE: _rcode,
}  # fmt: skip


def _glob(pattern: str) -> Callable[[str], bool]:
    """`*` is any text, dots too, `?` one character, `[ab]` one of these; letter case does not count."""
    if not pattern:
        raise BadFilter("an empty pattern finds nothing; write * for anything")
    try:
        # fnmatch's translation does not back-track without end, however many stars there are.
        compiled = re.compile(fnmatch.translate(pattern), re.IGNORECASE)
    except (re.error, RecursionError, OverflowError):
        raise BadFilter(f"{pattern!r} is not a pattern") from None
    return lambda value: compiled.match(value) is not None


def _word(words: type[_E], text: str, what: str) -> _E:
    try:
        return words(text.strip().lower())
    except ValueError:
        raise BadFilter(f"{text!r} is not a {what}; expected {_choices(w.value for w in words)}") from None


def _choices(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}"


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)", re.ASCII)


def moment(text: str, now: float) -> str:
    """A point in time as records write it: a duration before `now` (wall seconds) as `1h30m`, or RFC 3339.

    A date alone is its first moment; without an offset it is UTC. Raises BadFilter.
    """
    word = text.strip()
    if _DURATION.sub("", word) == "" and word:
        ago = sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(word))
        return timestamp(max(now - ago, 0.0))
    try:
        when = datetime.fromisoformat(word)
        return timestamp(when.replace(tzinfo=when.tzinfo or UTC).timestamp())
    except (ValueError, OverflowError):
        raise BadFilter(
            f"{text!r} is not a time; expected a duration such as 5m or 1h30m, or RFC 3339 such as 2026-01-31T12:00:00Z"
        ) from None
