"""The files of a tar archive, read strictly: POSIX ustar and pax, and GNU's long names.

Regular files and folders only. What another reader could take for something else is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dnspolicy.bundle.errors import BundleError
from dnspolicy.bundle.limits import Limits

BLOCK = 512
MAX_PATH = 1_000
MAX_DEPTH = 50
_MAX_HEADER = 65_536
_POSIX = b"ustar\0"
_FILE, _OLD_FILE, _FOLDER = b"0", b"\0", b"5"
_PAX, _PAX_GLOBAL, _GNU_NAME = b"x", b"g", b"L"
_REFUSED = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a pipe",
    b"7": "a contiguous file",
    b"S": "a sparse file",
    b"K": "a link with a long name",
}


class Entry(msgspec.Struct, frozen=True):
    """One file. `path` is relative, with `/` between its parts."""

    path: str
    raw: bytes


class _Header(msgspec.Struct, frozen=True):
    name: bytes
    size: int
    kind: bytes


def entries(archive: bytes, limits: Limits) -> tuple[Entry, ...]:
    """All files, in their order. Raises BundleError."""
    found: dict[str, Entry] = {}
    for name, kind, raw in _members(archive, limits):
        path = place(name, folder=kind == _FOLDER)
        if kind == _FOLDER:
            continue
        if path in found:
            raise BundleError("stands twice in the archive", path)
        found[path] = Entry(path, raw)
    return tuple(found.values())


def place(name: str, folder: bool = False) -> str:
    """Where an entry belongs: its path without a leading `/` or `./`. Raises BundleError."""
    path = name.removeprefix("/") if name.startswith("/") else name
    while path.startswith("./"):
        path = path[2:]
    if folder:
        path = path.removesuffix("/")
        if path in ("", "."):
            return ""
    parts = path.split("/")
    if len(path) > MAX_PATH or len(parts) > MAX_DEPTH:
        raise BundleError("its path is too long", path)
    if not path.isprintable() or "\\" in path:
        raise BundleError("a path with characters that do not belong there", path)
    if any(part in ("", ".", "..") for part in parts):
        raise BundleError("a path that leads elsewhere", name)
    return path


def _members(archive: bytes, limits: Limits) -> Iterator[tuple[str, bytes, bytes]]:
    """Name, kind and content of files and folders."""
    at = count = 0
    pax: dict[bytes, bytes] = {}
    long_name = b""
    while True:
        block = archive[at : at + BLOCK]
        if len(block) < BLOCK:
            raise BundleError("damaged: the archive has no end")
        if not block.strip(b"\0"):
            break
        count += 1
        if count > limits.entries:
            raise BundleError(f"more than {limits.entries} entries")
        header = _header(block)
        size = _octal(pax[b"size"], 10) if b"size" in pax else header.size
        at += BLOCK
        raw = archive[at : at + size]
        if len(raw) < size:
            raise BundleError("damaged: the archive ends within it", _text(header.name))
        at += -(-size // BLOCK) * BLOCK
        if header.kind in (_PAX, _PAX_GLOBAL, _GNU_NAME):
            if size > _MAX_HEADER:
                raise BundleError("damaged: a header is too long")
            if header.kind == _GNU_NAME:
                long_name = raw.rstrip(b"\0")
            else:
                records = _records(raw)
                _check(records, header.kind == _PAX_GLOBAL)
                pax |= records if header.kind == _PAX else {}
            continue
        name = pax.get(b"path") or long_name or header.name
        pax, long_name = {}, b""
        kind = _FILE if header.kind == _OLD_FILE else header.kind
        if kind not in (_FILE, _FOLDER):
            raise BundleError(f"{_REFUSED.get(kind, 'an entry of an unknown kind')} in the archive", _text(name))
        yield _text(name), kind, raw
    if pax or long_name:
        raise BundleError("damaged: a header belongs to nothing")
    if archive[at:].strip(b"\0"):
        raise BundleError("something follows the end of the archive")


def _header(block: bytes) -> _Header:
    said = _octal(block[148:156], 8)
    if said != sum(block[:148]) + 8 * 0x20 + sum(block[156:]):
        raise BundleError("damaged: a header has a wrong checksum")
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == _POSIX else b""
    return _Header(prefix + b"/" + name if prefix else name, _octal(block[124:136], 8), block[156:157])


def _octal(field: bytes, base: int) -> int:
    digits = field.strip(b" \0")
    allowed = b"01234567" if base == 8 else b"0123456789"
    if not digits or len(digits) > 12 or digits.strip(allowed):
        raise BundleError("damaged: a number in a header cannot be read")
    return int(digits, base)


def _records(raw: bytes) -> dict[bytes, bytes]:
    """`LENGTH KEY=VALUE\\n`, one after another (POSIX.1-2001, pax)."""
    found: dict[bytes, bytes] = {}
    while raw:
        length, space, _ = raw.partition(b" ")
        number = _octal(length, 10) if space else 0
        record = raw[:number]
        key, equals, value = record[len(length) + 1 : -1].partition(b"=")
        if not equals or record[-1:] != b"\n" or len(record) != number:
            raise BundleError("damaged: a pax header cannot be read")
        if key in found:
            raise BundleError("damaged: a pax header says something twice")
        found[key] = value
        raw = raw[number:]
    return found


def _check(records: dict[bytes, bytes], everywhere: bool) -> None:
    for key in records:
        if key.startswith(b"GNU.sparse.") or (everywhere and key in (b"path", b"size")):
            raise BundleError(f"a pax header with {_text(key)} in the archive")


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BundleError("a path that is not UTF-8", repr(raw)) from None
