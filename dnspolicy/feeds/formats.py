"""Bytes → documents. Pure; a large one takes a second, so it is for a thread."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import yaml

from dnspolicy.cluster.files import Loader, too_deep
from dnspolicy.feeds.document import check_bounds, encoded, revision_of
from dnspolicy.feeds.failures import FeedFailure, bad_document
from dnspolicy.feeds.rpz import read_rpz
from dnspolicy.model.errors import BadName
from dnspolicy.model.name import from_text
from dnspolicy.policy.settings.feeds import DataFormat

MAX_COMPLAINTS = 20
MAX_LINE = 4096
MAX_GROWTH = 20
"""So many times its size a YAML document may be when its aliases are written out, beyond the first MiB."""
_PLAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_-]{1,63})*\Z")

Parsed = tuple[bytes, str]
"""The document in JSON, and its revision."""


def parse(form: DataFormat, raw: bytes, name: str) -> Parsed:
    """The document in some bytes; `name` is what complaints call them. Raises FeedFailure: `name:line: what`."""
    if not raw:  # half of a write: whoever means a list without names writes a comment
        raise bad_document(f"{name}: empty")
    value, revision = _READERS[form](raw, name)
    return encoded(value), revision or revision_of(raw)


def names_of(raw: bytes, name: str) -> dict[str, bool]:
    """A name a line; empty lines and what follows `#` do not count. Raises FeedFailure."""
    found: dict[str, bool] = {}
    for number, words in _lines(raw, name):
        if len(words) > 1:
            raise _at(name, number, "more than one word; hosts files are read with `as hosts`")
        found[_name(words[0], name, number)] = True
    return found


def hosts_of(raw: bytes, name: str) -> dict[str, list[str]]:
    """Addresses by name, from lines of an address and names. Raises FeedFailure."""
    found: dict[str, list[str]] = {}
    for number, words in _lines(raw, name):
        try:
            address = str(ipaddress.ip_address(words[0].partition("%")[0]))
        except ValueError:
            raise _at(name, number, f"{words[0]!r} is no address") from None
        for word in words[1:]:
            addresses = found.setdefault(_name(word, name, number), [])
            if address not in addresses:
                addresses.append(address)
    return found


def json_of(raw: bytes, name: str) -> Any:
    """Raises FeedFailure."""
    try:
        return msgspec.json.decode(raw.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        byte = re.search(r"\(byte (\d+)\)", str(problem))
        line = raw.count(b"\n", 0, int(byte[1]) if byte else len(raw)) + 1
        raise _at(name, line, f"not JSON: {problem}") from None


def yaml_of(raw: bytes, name: str) -> Any:
    """One YAML document, as JSON has it: dates are texts. Raises FeedFailure."""
    if too_deep(raw):
        raise bad_document(f"{name}: nested too deeply")
    try:
        value = yaml.load(raw, Loader)
        check_bounds(value, (1 << 20) + MAX_GROWTH * len(raw))
        return _keyed(value, name)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise _at(name, mark.line + 1 if mark else 1, f"not YAML: {problem.problem or problem.context}") from None
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        if isinstance(error, FeedFailure):
            raise
        raise bad_document(f"{name}: not YAML: {' '.join(str(error).split())}") from None


def _keyed(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        if not all(isinstance(key, str | int | float) for key in value):
            raise bad_document(f"{name}: a key that is no text")
        pairs = {
            k if isinstance(k, str) else msgspec.json.encode(k).decode(): _keyed(v, name) for k, v in value.items()
        }
        if len(pairs) != len(value):
            raise bad_document(f"{name}: a key stands twice")
        return pairs
    return [_keyed(item, name) for item in value] if isinstance(value, list) else value


def _lines(raw: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Lines that say something: their numbers and words."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise _at(name, raw.count(b"\n", 0, problem.start) + 1, "not UTF-8") from None
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            raise _at(name, number, f"a line of more than {MAX_LINE} characters")
        words = line.partition("#")[0].split()
        if words:
            yield number, words


def _name(word: str, name: str, number: int) -> str:
    """As `input.query.name` shows it."""
    lower = word.lower().removesuffix(".")
    if _PLAIN.match(lower):
        return lower
    try:
        return str(from_text(word))
    except BadName as problem:
        raise _at(name, number, str(problem)) from None


def _at(name: str, line: int, what: str) -> FeedFailure:
    return bad_document(f"{name}:{line}: {what}")


_READERS: Mapping[DataFormat, Callable[[bytes, str], tuple[Any, str]]] = {
    DataFormat.JSON: lambda raw, name: (json_of(raw, name), ""),
    DataFormat.YAML: lambda raw, name: (yaml_of(raw, name), ""),
    DataFormat.NAMES: lambda raw, name: (names_of(raw, name), ""),
    DataFormat.HOSTS: lambda raw, name: (hosts_of(raw, name), ""),
    DataFormat.RPZ: read_rpz,
}
