"""Zone files as records (RFC 1035 5, RFC 2308 4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from struct import Struct

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import msgspec

from dnspolicy.corefile.regular import Signature
from dnspolicy.model.errors import BadName
from dnspolicy.model.name import MAX_WIRE, Name, from_text
from dnspolicy.model.rr import Record, Type
from dnspolicy.plugins.file.lines import BadZone, Entry, Misplaced, entries, generated
from dnspolicy.plugins.file.state import read_text
from dnspolicy.wire.rdata import address, soa_minimum, srv

MAX_INCLUDES = 7
"""How deep files may include files."""
MAX_FILES = 1_000
MAX_RECORDS = 5_000_000
MAX_RDATA = 64_000
"""Bytes, so that every record fits into a message."""
MAX_TTL = (1 << 31) - 1
DEFAULT_TTL = 3600
"""Seconds, where the file says nothing."""
_TTL = re.compile(r"(?:\d+[smhdwSMHDW])+\d*\Z|\d+\Z")
_PART = re.compile(r"(\d+)([smhdw]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_CLASSES = frozenset(("IN", "CH", "HS", "CS", "ANY"))
_U16 = Struct("!H")
_NOT_SERVED = frozenset((50, 51))
"""NSEC3 and NSEC3PARAM."""


class Content(msgspec.Struct, frozen=True):
    """What a file says about one zone. `outside` counts records left out as their owners are not in the zone."""

    records: tuple[Record, ...]
    outside: int


class _Place(msgspec.Struct):
    """Where the reader stands."""

    path: Path
    origin: Name
    depth: int = 0
    owner: Name | None = None


class Reader:
    """Reads one zone. `stamps` are the states of all files it looked at, also after it failed."""

    def __init__(self, zone: Name) -> None:
        self.stamps: dict[Path, Signature | None] = {}
        self._zone = zone
        self._records: list[Record] = []
        self._outside = 0
        self._default: int | None = None
        self._last: int | None = None
        self._names: dict[tuple[str, Name], Name] = {}

    def read(self, path: Path) -> Content:
        """Read a file and what it includes. Raises BadZone."""
        self._file(_Place(path, self._zone), str(path))
        return Content(tuple(self._records), self._outside)

    def _file(self, place: _Place, named_at: str) -> None:
        if place.depth > MAX_INCLUDES or len(self.stamps) >= MAX_FILES:
            raise BadZone(f"{named_at}: files include too many files, or themselves")
        self.stamps[place.path] = None
        try:
            self.stamps[place.path], text = read_text(place.path)
        except ValueError as problem:
            raise BadZone(f"{named_at}: {problem}") from None
        try:
            for entry in entries(text.split("\n")):
                self._entry(entry, place)
        except Misplaced as problem:
            raise BadZone(f"{place.path}:{problem.line}: {problem.why}") from None

    def _entry(self, entry: Entry, place: _Place) -> None:
        try:
            if entry.text[0] == "$":
                self._directive(entry, place)
            else:
                self._record(entry, place)
        except (ValueError, BadName) as problem:
            raise Misplaced(entry.line, str(problem)) from None

    def _directive(self, entry: Entry, place: _Place) -> None:
        words = entry.text.split()
        match words[0].upper(), len(words):
            case "$ORIGIN", 2:
                place.origin = self._name(words[1], place.origin)
            case "$TTL", 2:
                self._default = ttl(words[1])
            case "$INCLUDE", 2 | 3:
                origin = self._name(words[2], place.origin) if len(words) == 3 else place.origin
                path = place.path.parent / words[1].strip('"')
                self._file(_Place(path, origin, place.depth + 1, place.owner), f"{place.path}:{entry.line}")
            case "$GENERATE", _:
                for made in generated(entry):
                    self._record(made, place)
            case _:
                raise ValueError(f"{words[0]!r}: expected $ORIGIN NAME, $TTL TTL, $INCLUDE FILE [ORIGIN] or $GENERATE")

    def _record(self, entry: Entry, place: _Place) -> None:
        rest = entry.text
        if rest[0] not in " \t\r":
            word, _, rest = _split(rest)
            name = self._name(word, place.origin)
            place.owner = Name(name.key, name.labels)
        owner = place.owner
        if owner is None:
            raise ValueError("the first record has no owner")
        seconds, kind, rest = _header(rest)
        if len(self._records) >= MAX_RECORDS:
            raise ValueError(f"more than {MAX_RECORDS} records")
        rdata = self._rdata(kind, rest, entry.plain, place.origin)
        if len(rdata) > MAX_RDATA:
            raise ValueError(f"a record of {len(rdata)} bytes; expected at most {MAX_RDATA}")
        record = Record(owner, kind, 0, rdata)
        self._add(msgspec.structs.replace(record, ttl=self._ttl(seconds, record)))

    def _add(self, record: Record) -> None:
        if record.type in _NOT_SERVED:
            raise ValueError("zones with NSEC3 are not served; expected NSEC")
        if record.type == Type.SOA and record.owner != self._zone:
            raise ValueError(f"the SOA is that of {record.owner}, not of the zone {self._zone}")
        if record.owner.under(self._zone):
            self._records.append(record)
        else:
            self._outside += 1

    def _ttl(self, seconds: int | None, record: Record) -> int:
        """What is written, else $TTL, else that of the record before (RFC 2308 4)."""
        if seconds is None:
            if self._default is not None:
                return self._default
            seconds = self._last
            if seconds is None:
                seconds = soa_minimum(record) if record.type == Type.SOA else DEFAULT_TTL
        self._last = min(seconds, MAX_TTL)
        return self._last

    def _name(self, text: str, origin: Name) -> Name:
        """A name as written, relative to `origin` without a final dot. Raises BadName."""
        key = (text, origin)
        found = self._names.get(key)
        if found is None:
            found = self._names[key] = _absolute(text, origin)
        return found

    def _rdata(self, kind: int, text: str, plain: bool, origin: Name) -> bytes:
        """Record data in wire form. Raises ValueError."""
        quick = _QUICK.get(kind) if plain else None
        words = text.split() if quick is not None else []
        if quick is not None and words[:1] != ["\\#"]:
            return quick(words, lambda name: self._name(name, origin))
        return _by_library(kind, text, origin)


def _header(text: str) -> tuple[int | None, int, str]:
    """TTL, type and the rest of an entry behind its owner. Raises ValueError."""
    seconds: int | None = None
    rest = text
    for _ in range(3):
        word, found, rest = _split(rest)
        if not found:
            break
        if word[0].isdigit():
            if seconds is not None:
                raise ValueError(f"a second TTL: {word!r}")
            seconds = ttl(word)
        elif word.upper() in _CLASSES and word.upper() != "ANY":
            if word.upper() != "IN":
                raise ValueError(f"class {word!r}; expected IN")
        else:
            return seconds, _type(word), rest
    raise ValueError("a record type is missing")


def _split(text: str) -> tuple[str, bool, str]:
    """The first word, whether there is one, and what follows."""
    words = text.split(None, 1)
    if not words:
        return "", False, ""
    return words[0], True, words[1] if len(words) > 1 else ""


def ttl(text: str) -> int:
    """Seconds: `3600` or `1h30m`. Raises ValueError."""
    if len(text) > 20 or not text.isascii() or not _TTL.match(text):
        raise ValueError(f"{text!r} is no TTL")
    seconds = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text.lower()))
    if seconds > MAX_TTL:
        raise ValueError(f"{text!r} is more than {MAX_TTL} seconds")
    return seconds


@lru_cache(maxsize=256)
def _type(text: str) -> int:
    try:
        kind = int(dns.rdatatype.from_text(text))
    except (dns.rdatatype.UnknownRdatatype, ValueError):
        raise ValueError(f"{text!r} is no record type") from None
    if not kind or dns.rdatatype.is_metatype(dns.rdatatype.RdataType.make(kind)):
        raise ValueError(f"{text!r} is no type of records in a zone")
    return kind


def _absolute(text: str, origin: Name) -> Name:
    if text == "@":
        return origin
    name = from_text(text)
    if text.endswith(".") and not _escaped_end(text):
        return name
    wire = name.wire[:-1] + origin.wire
    if len(wire) > MAX_WIRE:
        raise BadName(f"{text!r} is too long below {origin}")
    return Name(wire, name.labels + origin.labels)


def _escaped_end(text: str) -> bool:
    body = text[:-1]
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1


def _by_library(kind: int, text: str, origin: Name) -> bytes:
    try:
        found = dns.rdata.from_text(
            dns.rdataclass.IN, dns.rdatatype.RdataType.make(kind), text, dns.name.from_wire(origin.wire, 0)[0], False
        )
        return found.to_wire() or b""
    except Exception as problem:  # noqa: BLE001 the library raises anything on malformed data
        raise ValueError(f"{dns.rdatatype.to_text(dns.rdatatype.RdataType.make(kind))}: {problem}") from None


ToName = Callable[[str], Name]
Quick = Callable[[list[str], ToName], bytes]


def _count(words: list[str], count: int) -> None:
    if len(words) != count:
        raise ValueError(f"{len(words)} words of data; expected {count}")


def _a(words: list[str], name: ToName) -> bytes:
    return _of_family(words, 4)


def _aaaa(words: list[str], name: ToName) -> bytes:
    return _of_family(words, 16)


def _of_family(words: list[str], size: int) -> bytes:
    _count(words, 1)
    found = address(words[0])
    if len(found) != size:
        raise ValueError(f"{words[0]!r} is an address of the other family")
    return found


def _one_name(words: list[str], name: ToName) -> bytes:
    _count(words, 1)
    return name(words[0]).wire


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit()) or int(word) > 65535:
        raise ValueError(f"{word!r} is no number up to 65535")
    return int(word)


def _mx(words: list[str], name: ToName) -> bytes:
    _count(words, 2)
    return _U16.pack(_number(words[0])) + name(words[1]).wire


def _srv(words: list[str], name: ToName) -> bytes:
    _count(words, 4)
    priority, weight, port = map(_number, words[:3])
    return srv(priority, weight, port, name(words[3]))


_QUICK: dict[int, Quick] = {
    int(Type.A): _a, int(Type.AAAA): _aaaa, int(Type.NS): _one_name, int(Type.CNAME): _one_name,
    int(Type.PTR): _one_name, int(Type.DNAME): _one_name, int(Type.MX): _mx, int(Type.SRV): _srv,
}  # fmt: skip
"""The usual types, which the library takes ten times as long for."""
