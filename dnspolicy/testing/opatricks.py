"""What a fake Open Policy Agent does with a decision instead of sending it as it should."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

HUGE = 64 * 1024 * 1024
PATIENCE = 20.0
_REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


class Trick(StrEnum):
    """What is done with a decision instead of a good reply."""

    NONE = "none"
    HUNG = "hung"
    """No reply, ever."""
    SLOW = "slow"
    """A good one after `delay` seconds."""
    CLOSE = "close"
    """The connection ends without a reply."""
    RESET = "reset"
    ONE_EACH = "one each"
    """A good reply, after which the connection ends without a word of warning."""
    HALF = "half"
    """A reply that breaks off."""
    CHUNKED = "chunked"
    """A good one, in small pieces."""
    HALF_CHUNK = "half chunk"
    HUGE = "huge"
    """A reply that says it is 64 MiB long, and sends what anybody takes of it."""
    ENDLESS_HEAD = "endless head"
    HTML = "html"
    NO_HTTP = "no http"
    TWICE = "twice"
    """Two replies to one question."""
    TWO_LENGTHS = "two lengths"
    GZIP = "gzip"
    NO_OBJECT = "no object"
    NO_JSON = "no json"
    EMPTY = "empty"
    """`{}`: a JSON object that no OPA sends."""
    ERROR = "error"
    """Status 500, as for a policy that cannot be evaluated."""
    NOT_FOUND = "not found"
    BUSY = "busy"


async def misbehave(trick: Trick, said: Any, delay: float, writer: asyncio.StreamWriter) -> None:
    """Send what was said, tricked; `delay` in seconds."""
    if trick is Trick.HUNG:
        await asyncio.sleep(PATIENCE)
    if trick is Trick.SLOW:
        await asyncio.sleep(delay)
    good = reply(200, said)
    if trick is Trick.HUGE:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % HUGE)
        await _pour(writer, HUGE)
    elif trick is Trick.ENDLESS_HEAD:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        await _pour(writer, HUGE)
    elif trick is Trick.CHUNKED:
        await _in_pieces(writer, json.dumps(said).encode())
    elif trick is Trick.RESET:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.write(_TRICKS[trick](good) if trick in _TRICKS else good)
    if trick in (Trick.CLOSE, Trick.HALF, Trick.HALF_CHUNK, Trick.ONE_EACH):
        writer.close()


def reply(status: int, document: Any, kind: str = "application/json") -> bytes:
    """A whole reply; None is no document."""
    body = b"" if document is None else json.dumps(document).encode()
    length = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n" if status != 204 else ""
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    return f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}\r\n{length}Date: {date}\r\n\r\n".encode() + body


async def _pour(writer: asyncio.StreamWriter, size: int) -> None:
    for _ in range(size // 65_536):
        writer.write(b"x" * 65_536)
        await writer.drain()


async def _in_pieces(writer: asyncio.StreamWriter, body: bytes) -> None:
    """As chunks of seven bytes, each cut in two."""
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for at in range(0, len(body), 7):
        part = body[at : at + 7]
        raw += b"%x\r\n%b\r\n" % (len(part), part)
    raw += b"0\r\n\r\n"
    for at in range(0, len(raw), 40):
        writer.write(raw[at : at + 40])
        await writer.drain()
        await asyncio.sleep(0)


def _raw(status: int, body: bytes, *fields: bytes) -> bytes:
    lines = b"\r\n".join((b"HTTP/1.1 %d Status" % status, b"Content-Length: %d" % len(body), *fields))
    return lines + b"\r\n\r\n" + body


_PAGE = b"<html><body>It works!</body></html>"
_TRICKS: Mapping[Trick, Callable[[bytes], bytes]] = {
    Trick.CLOSE: lambda good: b"",
    Trick.HALF: lambda good: good[:-5],
    Trick.HALF_CHUNK: lambda good: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{",
    Trick.HTML: lambda good: _raw(200, _PAGE, b"Content-Type: text/html"),
    Trick.NO_HTTP: lambda good: b"SSH-2.0-OpenSSH_9.2\r\n",
    Trick.TWICE: lambda good: good + good,
    Trick.TWO_LENGTHS: lambda good: good.replace(b"Date:", b"Content-Length: 3\r\nDate:", 1),
    Trick.GZIP: lambda good: good.replace(b"Date:", b"Content-Encoding: gzip\r\nDate:", 1),
    Trick.NO_OBJECT: lambda good: _raw(200, b"[]"),
    Trick.NO_JSON: lambda good: _raw(200, b'{"result": '),
    Trick.EMPTY: lambda good: _raw(200, b"{}"),
    Trick.ERROR: lambda good: reply(
        500,
        {"code": "internal_error", "message": "eval_conflict_error"},
    ),
    Trick.NOT_FOUND: lambda good: _raw(404, b"404 page not found"),
    Trick.BUSY: lambda good: _raw(503, b"busy"),
}
"""Those that only change the bytes."""
