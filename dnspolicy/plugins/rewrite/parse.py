"""The words of one directive → its rule. Every complaint quotes the word it is about."""

from __future__ import annotations

import re
from collections.abc import Callable

from dnspolicy.model.rr import class_number, rcode_number, type_number
from dnspolicy.plugins.rewrite.names import Match, Renaming, described, fqdn, matching, pattern, raw, renaming
from dnspolicy.plugins.rewrite.options import NSID, SUBNET, Action, Data, ForOption, Subnet, Variable
from dnspolicy.plugins.rewrite.responses import BackPattern, BackSuffix, Code, Owners, Response, Target, Ttl, Values
from dnspolicy.plugins.rewrite.rules import ForAnswer, ForClass, ForName, ForType, Rule

Words = list[str]
MAX_TTL = 2**31 - 1
_MAX_DATA = 1024
"""Bytes of one option."""
_RANGE = re.compile(r"(?:(\d{1,10})|(\d{1,10})-(\d{1,10})?|-(\d{1,10}))", re.ASCII)
_NUMBER = re.compile(r"0x[0-9a-fA-F]{1,4}|0[0-7]{1,6}|\d{1,5}", re.ASCII)
_LABEL = re.compile(r"\{([^/{}]+/[^{}]+)\}")
_MATCHES = frozenset(Match)


def parse(words: tuple[str, ...]) -> Rule:
    """The rule of a directive's words. Raises ValueError."""
    rest = list(words)
    stop = True
    if rest and rest[0].lower() in ("stop", "continue"):
        stop = rest.pop(0).lower() == "stop"
    if not rest:
        raise ValueError(f"lacks what is to be rewritten: {', '.join(_FIELDS)}")
    field = rest.pop(0)
    if field.lower() == "answer":
        raise ValueError(f"{field!r} must stand behind a name rule")
    read = _FIELDS.get(field.lower())
    if read is None:
        raise ValueError(f"{field!r} cannot be rewritten; known are {', '.join(_FIELDS)}")
    return read(stop, rest)


def _name(stop: bool, words: Words) -> Rule:
    match, words = _match(words, 2, "name [exact|prefix|suffix|substring|regex] FROM TO [OPTIONS…]", most=None)
    from_, to, *rest = words
    with_metadata = rest[:1] == ["metadata"]
    if with_metadata:
        if match is not Match.REGEX:
            raise ValueError("'metadata' belongs to regex rules only")
        rest.pop(0)
    auto, responses = _answers(rest)
    made: Renaming = described(from_, to) if with_metadata else renaming(match, from_, to)
    if match is Match.SUFFIX and auto:
        back = BackSuffix(fqdn(to), fqdn(from_))
        return ForName(stop, made, False, (Owners(back), Values(back), *responses))
    return ForName(stop, made, auto or match is Match.EXACT, responses)


def _answers(words: Words) -> tuple[bool, tuple[Response, ...]]:
    """The `answer` options behind a name rule: whether `auto` is one of them, and the explicit ones."""
    rest = list(words)
    responses: list[Response] = []
    auto = named = False
    while rest:
        word = rest.pop(0)
        if word == "answer":
            if not rest:
                raise ValueError("'answer' lacks auto, name or value")
            word = rest.pop(0)
        elif not (auto or responses):
            raise ValueError(f"{word!r} is out of place; expected answer")
        if word == "auto":
            auto = True
            continue
        if word == "name" and rest[:1] == ["auto"]:
            rest.pop(0)
            auto = True
            continue
        if word not in ("name", "value"):
            raise ValueError(f"{word!r} is no answer rule; expected auto, name or value")
        if len(rest) < 2:
            raise ValueError(f"{word!r} lacks the pattern and what it becomes")
        back = BackPattern(pattern(rest.pop(0), rest.pop(0)))
        responses.append(Owners(back) if word == "name" else Values(back))
        named = named or word == "name"
    if auto and named:
        raise ValueError("'auto' and explicit answer names exclude each other")
    return auto, tuple(responses)


def _type(stop: bool, words: Words) -> Rule:
    _count(words, 2, "type FROM TO")
    return ForType(stop, type_number(words[0]), type_number(words[1]))


def _class(stop: bool, words: Words) -> Rule:
    _count(words, 2, "class FROM TO")
    return ForClass(stop, class_number(words[0]), class_number(words[1]))


def _ttl(stop: bool, words: Words) -> Rule:
    match, words = _match(words, 2, "ttl [exact|prefix|suffix|substring|regex] NAME SECONDS|MIN-MAX|MIN-|-MAX")
    return ForAnswer(stop, (_ttl_bounds(words[1]),), matching(match, words[0]))


def _rcode(stop: bool, words: Words) -> Rule:
    match, words = _match(words, 3, "rcode [exact|prefix|suffix|substring|regex] NAME FROM TO")
    return ForAnswer(stop, (Code(rcode_number(words[1]), rcode_number(words[2])),), matching(match, words[0]))


def _cname(stop: bool, words: Words) -> Rule:
    match, words = _match(words, 2, "cname [exact|prefix|suffix|substring|regex] FROM TO")
    return ForAnswer(stop, (Target(raw(match, words[0], words[1])),))


def _edns0(stop: bool, words: Words) -> Rule:
    if len(words) < 2:
        raise ValueError("lacks words; expected edns0 local|nsid|subnet set|append|replace|unset …")
    kind, action = words[0].lower(), _action(words[1])
    rest = words[2:]
    if action is not Action.UNSET and rest[-1:] == ["revert"]:
        rest.pop()
    unset = action is Action.UNSET
    if kind == "local":
        _count(rest, 1 if unset else 2, f"edns0 local {action} CODE{'' if unset else ' DATA [revert]'}")
        return ForOption(stop, action, _code(rest[0]), Data() if unset else _data(rest[1]))
    if kind == "nsid":
        _count(rest, 0, f"edns0 nsid {action}{'' if unset else ' [revert]'}")
        return ForOption(stop, action, NSID)
    if kind == "subnet":
        _count(rest, 0 if unset else 2, f"edns0 subnet {action}{'' if unset else ' V4BITS V6BITS [revert]'}")
        data = Data() if unset else Subnet(_bits(rest[0], 32), _bits(rest[1], 128))
        return ForOption(stop, action, SUBNET, data)
    raise ValueError(f"{words[0]!r} is no kind of option; expected local, nsid or subnet")


_FIELDS: dict[str, Callable[[bool, Words], Rule]] = {
    "name": _name, "type": _type, "class": _class, "edns0": _edns0, "ttl": _ttl, "cname": _cname, "rcode": _rcode,
}  # fmt: skip


def _match(words: Words, needed: int, usage: str, most: int | None = 0) -> tuple[Match, Words]:
    """How names are compared, and the other words: `needed` of them, and with `most` None any number more."""
    match = Match.EXACT
    rest = words
    if words and words[0].lower() in _MATCHES:
        match, rest = Match(words[0].lower()), words[1:]
    elif len(words) > needed:
        raise ValueError(f"{words[0]!r} is no way to compare names; expected {usage}")
    if most is None and len(rest) >= needed:
        return match, rest
    _count(rest, needed, usage)
    return match, rest


def _count(words: Words, wanted: int, usage: str) -> None:
    if len(words) < wanted:
        raise ValueError(f"lacks words; expected {usage}")
    if len(words) > wanted:
        raise ValueError(f"{words[wanted]!r} is one word too many; expected {usage}")


def _ttl_bounds(word: str) -> Ttl:
    found = _RANGE.fullmatch(word)
    if found is None:
        raise ValueError(f"{word!r} is not a TTL; expected SECONDS, MIN-MAX, MIN- or -MAX")
    fixed, least, most, only_most = found.groups()
    low = int(fixed or least or 0)
    high = int(fixed or most or only_most or MAX_TTL)
    if not low <= high <= MAX_TTL:
        raise ValueError(f"{word!r} is not a range of TTLs up to {MAX_TTL}")
    return Ttl(low, high)


def _action(word: str) -> Action:
    try:
        return Action(word.lower())
    except ValueError:
        raise ValueError(f"{word!r} cannot be done to an option; expected {', '.join(Action)}") from None


def _code(word: str) -> int:
    if _NUMBER.fullmatch(word):
        number = int(word, 8) if word[0] == "0" and word.isdecimal() else int(word, 0)
        if number < 1 << 16:
            return number
    raise ValueError(f"{word!r} is not an option code from 0 to 65535")


def _data(word: str) -> Data:
    if word.startswith("{") and word.endswith("}"):
        if word in frozenset(Variable):
            return Data(variable=Variable(word))
        label = _LABEL.fullmatch(word)
        if label is None:
            raise ValueError(f"{word!r} is neither a variable nor a metadata label; known are {', '.join(Variable)}")
        return Data(label=label[1])
    data = _hex(word) if word.startswith("0x") else word.encode()
    if len(data) > _MAX_DATA:
        raise ValueError(f"an option has {len(data)} bytes; at most {_MAX_DATA} are allowed")
    return Data(data)


def _hex(word: str) -> bytes:
    try:
        return bytes.fromhex(word[2:])
    except ValueError:
        raise ValueError(f"{word!r} is not hexadecimal") from None


def _bits(word: str, most: int) -> int:
    if word.isascii() and word.isdecimal() and len(word) < 4 and int(word) <= most:
        return int(word)
    raise ValueError(f"{word!r} is not a number of bits up to {most}")
