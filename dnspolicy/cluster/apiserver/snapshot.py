"""The index in a file: what a server knew, for its next start.

Lines of JSON: a header, objects as `[kind, object]`, and a footer that proves that nothing is missing.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from dnspolicy.cluster.objects import EndpointSlice, Kind, Namespace, Node, Object, Pod, Service
from dnspolicy.cluster.sharing import Sharing
from dnspolicy.model.errors import DnsPolicyError

FORMAT = "dnspolicy cluster snapshot"
VERSION = 1
MAX_BYTES = 512 * 1024 * 1024
_TOGETHER = 200
_TYPES: dict[Kind, type[Object]] = {
    Kind.NAMESPACE: Namespace,
    Kind.NODE: Node,
    Kind.SERVICE: Service,
    Kind.ENDPOINT_SLICE: EndpointSlice,
    Kind.POD: Pod,
}


class BadSnapshot(DnsPolicyError):
    """A file is no snapshot that can be used."""


class Snapshot(msgspec.Struct, frozen=True, eq=False):
    """`cluster` says where it was read from; `saved` is Unix time (seconds); `kinds` were complete."""

    cluster: str
    saved: float
    kinds: tuple[Kind, ...]
    objects: tuple[Object, ...]


class _Header(msgspec.Struct):
    format: str
    version: int
    cluster: str = ""
    saved: float = 0.0
    kinds: tuple[Kind, ...] = ()


class _Footer(msgspec.Struct):
    objects: int
    crc32: int


def write(path: Path, snapshot: Snapshot) -> None:
    """Replace the file at once, or not at all. Raises OSError. To be called in a thread."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for piece in _written(snapshot):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path, cluster: str) -> Snapshot | None:
    """None when there is no file.

    Raises BadSnapshot when it is damaged, of another version or cluster, and when anybody may have written it.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BadSnapshot("not a regular file")
        if status.st_mode & stat.S_IWOTH:
            raise BadSnapshot("anybody may write to it")
        if status.st_size > MAX_BYTES:
            raise BadSnapshot(f"more than {MAX_BYTES} bytes")
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise BadSnapshot(problem.strerror or str(problem)) from None
    try:
        return _read(lines, cluster)
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        raise BadSnapshot(f"damaged: {problem}") from None


def _read(lines: list[bytes], cluster: str) -> Snapshot:
    header = _header(lines[0], cluster)
    if len(lines) < 3 or lines[-1]:
        raise BadSnapshot("damaged: it has no end")
    footer = msgspec.json.decode(lines[-2], type=_Footer)
    share, crc, objects = Sharing(), zlib.crc32(lines[0] + b"\n"), []
    for line in lines[1:-2]:
        crc = zlib.crc32(line + b"\n", crc)
        kind, data = msgspec.json.decode(line, type=tuple[Kind, msgspec.Raw])
        item = msgspec.json.decode(data, type=_TYPES[kind])
        objects.append(msgspec.structs.replace(item, labels=share.labels(item.labels)))
    if footer.objects != len(objects) or footer.crc32 != crc:
        raise BadSnapshot("damaged: its checksum is wrong")
    return Snapshot(header.cluster, header.saved, header.kinds, tuple(objects))


def _header(line: bytes, cluster: str) -> _Header:
    try:
        header = msgspec.json.decode(line, type=_Header)
    except (msgspec.MsgspecError, ValueError):
        raise BadSnapshot("no snapshot of this server") from None
    if header.format != FORMAT:
        raise BadSnapshot("no snapshot of this server")
    if header.version != VERSION:
        raise BadSnapshot(f"of version {header.version}; this server reads {VERSION}")
    if header.cluster != cluster:
        raise BadSnapshot(f"of another cluster ({header.cluster!r:.100})")
    return header


def _written(snapshot: Snapshot) -> Iterator[bytes]:
    """In pieces, so that a thread that writes lets others run."""
    encoder = msgspec.json.Encoder(enc_hook=_plain)
    head = encoder.encode(_Header(FORMAT, VERSION, snapshot.cluster, snapshot.saved, snapshot.kinds)) + b"\n"
    crc = zlib.crc32(head)
    yield head
    objects = iter(snapshot.objects)
    while some := tuple(islice(objects, _TOGETHER)):
        piece = b"".join(_lines(encoder, some))
        crc = zlib.crc32(piece, crc)
        yield piece
    yield encoder.encode(_Footer(len(snapshot.objects), crc)) + b"\n"


def _lines(encoder: msgspec.json.Encoder, objects: Iterable[Object]) -> Iterator[bytes]:
    for item in objects:
        yield encoder.encode((type(item).__name__, item)) + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise NotImplementedError(type(value).__name__)
