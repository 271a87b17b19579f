"""Replies of an HTTP/1.1 server, read as they come in (RFC 9112). No sockets.

Only what a policy server sends is understood: a length or chunks, no compression, nothing before the reply and nothing
behind it. Whatever else comes is Malformed, so that no reply is ever taken for that of another request.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from dnspolicy.model.errors import DnsPolicyError

MAX_HEAD = 16 * 1024
"""Bytes that status line and fields may have, and a chunk's line."""
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [\t\x20-\x7e\x80-\xff]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
_BODILESS = (204, 304)


class Malformed(DnsPolicyError):
    """What came is not an HTTP reply, or longer than it may be."""


class Reply(msgspec.Struct, frozen=True, gc=False):
    """`keeps`: whether the connection can take another request."""

    status: int
    body: bytes
    keeps: bool


class Head(msgspec.Struct, frozen=True, gc=False):
    """`length` is None for chunks."""

    status: int
    length: int | None
    keeps: bool


class Reading:
    """One reply. `most` is how many bytes its body may have."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._head: Head | None = None
        self._buffer: bytes | bytearray = b""
        self._chunks: list[bytes] | None = None
        self._size = 0

    @property
    def began(self) -> bool:
        """Whether any byte of a reply has come."""
        return bool(self._buffer) or self._head is not None

    def feed(self, data: bytes) -> Reply | None:
        """Take more bytes; the reply once it is whole. Raises Malformed."""
        if not self._buffer:
            self._buffer = data
        else:
            if isinstance(self._buffer, bytes):
                self._buffer = bytearray(self._buffer)
            self._buffer += data
        head = self._head
        if head is None:
            head = self._read_head()
            if head is None:
                return None
        if head.length is None:
            return self._read_chunks(head)
        if len(self._buffer) < head.length:
            return None
        return self._done(head, self._buffer, head.length)

    def _read_head(self) -> Head | None:
        end = self._buffer.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(self._buffer) >= MAX_HEAD:
                raise Malformed("fields that do not end")
            if b"HTTP/1."[: len(self._buffer)] != self._buffer[:7]:
                raise Malformed("no HTTP")
            return None
        head = self._head = read_head(bytes(self._buffer[:end]))
        if head.length is not None and head.length > self._most:
            raise Malformed(f"longer than {self._most} bytes")
        self._buffer = self._buffer[end + 4 :]
        return head

    def _read_chunks(self, head: Head) -> Reply | None:
        if self._chunks is None:
            self._chunks = []
        while True:
            end = self._buffer.find(b"\r\n", 0, MAX_HEAD)
            if end < 0:
                if len(self._buffer) >= MAX_HEAD:
                    raise Malformed("a chunk's line that does not end")
                return None
            line = _CHUNK.fullmatch(self._buffer, 0, end)
            if line is None:
                raise Malformed("a chunk without a size")
            size = int(line[1], 16)
            if size == 0:
                return self._trailer(head, end)
            if self._size + size > self._most:
                raise Malformed(f"longer than {self._most} bytes")
            if len(self._buffer) < end + 2 + size + 2:
                return None
            self._take(end + 2, size)

    def _take(self, start: int, size: int) -> None:
        assert self._chunks is not None
        if self._buffer[start + size : start + size + 2] != b"\r\n":
            raise Malformed("a chunk that is longer than it says")
        self._chunks.append(bytes(self._buffer[start : start + size]))
        self._size += size
        if isinstance(self._buffer, bytes):
            self._buffer = bytearray(self._buffer)
        del self._buffer[: start + size + 2]

    def _trailer(self, head: Head, end: int) -> Reply | None:
        """Fields behind the last chunk are left unread, but must end."""
        assert self._chunks is not None
        rest = self._buffer[end:]  # begins with the line break of the last chunk's line
        at = rest.find(b"\r\n\r\n", 0, MAX_HEAD)
        if at < 0:
            if len(rest) >= MAX_HEAD:
                raise Malformed("a trailer that does not end")
            return None
        if len(rest) > at + 4:
            raise Malformed("more than one reply")
        return Reply(head.status, b"".join(self._chunks), head.keeps)

    @staticmethod
    def _done(head: Head, body: bytes | bytearray, length: int) -> Reply:
        if len(body) > length:
            raise Malformed("more than one reply")
        return Reply(head.status, bytes(body), head.keeps)


@lru_cache(256)
def read_head(raw: bytes) -> Head:
    """Status line and fields. Raises Malformed. Remembered, as a server's replies differ in their length only."""
    first, *lines = raw.split(b"\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise Malformed("no status line")
    code = int(status[2])
    if code < 200:
        raise Malformed(f"status {code}, which nobody asked for")
    fields: dict[bytes, list[bytes]] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise Malformed("a line that is no field")
        fields.setdefault(field[1].lower(), []).append(field[2])
    if any(value.lower() != b"identity" for value in fields.get(b"content-encoding", ())):
        raise Malformed("a content encoding nobody asked for")
    said = b",".join(fields.get(b"connection", ())).lower()
    keeps = b"close" not in said and (status[1] == b"1" or b"keep-alive" in said)
    return Head(code, _length(code, fields), keeps)


def _length(code: int, fields: dict[bytes, list[bytes]]) -> int | None:
    lengths, codings = fields.get(b"content-length"), fields.get(b"transfer-encoding")
    if codings is not None:
        if lengths is not None or [value.lower() for value in codings] != [b"chunked"]:
            raise Malformed("a transfer encoding other than chunks")
        return None
    if lengths is None:
        if code in _BODILESS:
            return 0
        raise Malformed("a reply of unknown length")
    if len(set(lengths)) != 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Malformed("no usable length")
    return int(lengths[0])


def write_head(method: str, target: str, authority: str, fields: tuple[tuple[str, str], ...] = ()) -> bytes:
    """A request as far as its length: what follows is the number, an empty line and the body.

    Raises ValueError for anything that could end a line or begin another one.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {authority}", *(f"{name}: {value}" for name, value in fields)]
    for line in lines:
        if not (line.isascii() and line.isprintable()):
            raise ValueError("a request that cannot be written")
    if target.count(" ") or not target.startswith("/"):
        raise ValueError("a target that cannot be written")
    return "\r\n".join([*lines, "Content-Length: "]).encode()


def request(head: bytes, body: bytes) -> bytes:
    """The whole request."""
    return b"%b%d\r\n\r\n%b" % (head, len(body), body)
