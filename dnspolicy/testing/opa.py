"""A fake Open Policy Agent: its REST API as far as the `opa` engine and `policy push` use it, and misbehaviour on
command. It evaluates nothing: decisions are told to it."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote

UNDEFINED = object()
"""What `says` holds when the policy says nothing."""
BROKEN = "not rego"
"""A policy with such a line does not compile."""
PATIENCE = 20.0
_HUGE = 64 * 1024 * 1024
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


class FakeOpa:
    """Runs in a thread of its own. `says` is the decision, or a function of the input document that gives it.

    `at` is a Unix socket's path, or the address of a TCP port that it chooses once. Everything may be changed while it
    runs. `asked` counts decisions, `connections` those that were accepted. `data_forbidden`: it only decides.
    `owned`: all its data belongs to a bundle.
    """

    def __init__(
        self, says: Any = UNDEFINED, *, at: Path | str = "127.0.0.1", tls: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self.says = says
        self.trick = Trick.NONE
        self.delay = 0.3
        self.token = ""
        self.data_forbidden = False
        self.owned = False
        self.policies: dict[str, str] = {}
        self.data: dict[str, Any] = {}
        self.version = "1.20.2"
        self.asked = 0
        self.connections = 0
        self.heads: list[bytes] = []
        self._at = at
        self._tls = tls
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """As it stands in a Corefile."""
        if isinstance(self._at, Path):
            return f"unix://{self._at}"
        return f"{'https' if self._tls else 'http'}://{self._at}:{self._port}"

    def start(self) -> FakeOpa:
        """Listen, if it does not yet. Raises OSError."""
        if self._thread is not None:
            return self
        ready: list[BaseException | None] = []
        told = threading.Event()

        def run() -> None:
            asyncio.run(self._serve(ready, told))

        self._thread = threading.Thread(target=run, name="fake opa", daemon=True)
        self._thread.start()
        assert told.wait(PATIENCE)
        if ready[0] is not None:
            self._thread.join(PATIENCE)
            self._thread = None
            raise ready[0]
        return self

    def stop(self) -> None:
        """End at once, with all connections. Policies and data stay for the next `start`; once more does no harm."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._loop = self._thread = None
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._ending.set)
        thread.join(PATIENCE)

    def __enter__(self) -> FakeOpa:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _serve(self, ready: list[BaseException | None], told: threading.Event) -> None:
        self._ending = asyncio.Event()
        try:
            server = await self._listen()
        except OSError as problem:
            ready.append(problem)
            told.set()
            return
        self._loop = asyncio.get_running_loop()
        ready.append(None)
        told.set()
        await self._ending.wait()
        server.close()
        for _ in range(3):  # whoever was let in just now begins to be talked to, and so is known here
            await asyncio.sleep(0)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0)  # sockets are closed in the turn after that
        if isinstance(self._at, Path):
            self._at.unlink(missing_ok=True)

    async def _listen(self) -> asyncio.Server:
        if isinstance(self._at, Path):
            return await asyncio.start_unix_server(self._talk, self._at)
        server = await asyncio.start_server(self._talk, self._at, self._port, ssl=self._tls)
        self._port = server.sockets[0].getsockname()[1]
        return server

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    body = await reader.readexactly(_length(head))
                    await self._answer(head, body, writer)
        finally:
            writer.close()  # which ends it once all is sent, or never; `stop` does not wait for that

    async def _answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        path, _, wish = target.partition("?")
        self.heads = [*self.heads[-99:], head]
        if self.token and f"\r\nAuthorization: Bearer {self.token}\r\n".encode() not in head:
            _send(writer, 401, {"code": "unauthorized", "message": "request rejected by administrative policy"})
        elif method == "POST" and path.startswith("/v1/data"):
            self.asked += 1
            await self._decide(json.loads(body).get("input"), "provenance=true" in wish, writer)
        else:
            _send(writer, *self._manage(method, [unquote(step) for step in path.split("/")[2:]], wish, body))
        await writer.drain()

    def _manage(self, method: str, steps: list[str], wish: str, body: bytes) -> tuple[int, Any]:
        """Policies and data; the status and what is sent."""
        kind, rest = steps[0] if steps else "", steps[1:]
        if self.data_forbidden:
            return 403, {"code": "unauthorized", "message": "request rejected by administrative policy"}
        if kind == "policies":
            return self._policy(method, "/".join(step for step in rest if step), body)
        if kind != "data":
            return (200, {}) if not steps else (404, {"code": "resource_not_found", "message": "no such API"})
        if method in ("PUT", "DELETE") and self.owned:
            return 400, {"code": "invalid_parameter", "message": f'path {"/".join(rest)} is owned by bundle "main"'}
        if method == "PUT":
            _put(self.data, rest, json.loads(body))
            return 204, None
        if method == "DELETE":
            return (204, None) if _remove(self.data, rest) else (404, {"code": "resource_not_found", "message": "gone"})
        found = _at(self.data, rest)
        said = {} if found is UNDEFINED else {"result": found}
        return 200, said | ({"provenance": self._provenance()} if "provenance=true" in wish else {})

    def _policy(self, method: str, name: str, body: bytes) -> tuple[int, Any]:
        if method == "GET" and not name:
            return 200, {"result": [{"id": key, "raw": raw, "ast": {}} for key, raw in self.policies.items()]}
        if method == "PUT":
            text = body.decode()
            for row, line in enumerate(text.splitlines(), 1):
                if line.startswith(BROKEN):
                    return 400, _uncompiled(name, row)
            self.policies[name] = text
            return 200, {}
        if name not in self.policies:
            return 404, {"code": "resource_not_found", "message": "storage_not_found_error: policy id"}
        if method == "DELETE":
            del self.policies[name]
            return 200, {}
        return 200, {"result": {"id": name, "raw": self.policies[name], "ast": {}}}

    def _provenance(self) -> dict[str, Any]:
        bundles = _at(self.data, ["system", "bundles"])
        named = {} if bundles is UNDEFINED else bundles
        revisions = {name: {"revision": b.get("manifest", {}).get("revision", "")} for name, b in named.items()}
        own = {"version": self.version, "build_commit": "", "build_timestamp": "", "build_hostname": ""}
        return own | ({"bundles": revisions} if revisions else {})

    async def _decide(self, document: Any, provenance: bool, writer: asyncio.StreamWriter) -> None:
        found = self.says(document) if callable(self.says) else self.says
        said: dict[str, Any] = {"provenance": self._provenance()} if provenance else {}
        if found is not UNDEFINED:
            said["result"] = found
        trick = self.trick
        if trick is Trick.HUNG:
            await asyncio.sleep(PATIENCE)
        if trick is Trick.SLOW:
            await asyncio.sleep(self.delay)
        good = _reply(200, said)
        if trick is Trick.HUGE:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % _HUGE)
            await _pour(writer, _HUGE)
        elif trick is Trick.ENDLESS_HEAD:
            writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            await _pour(writer, _HUGE)
        elif trick is Trick.CHUNKED:
            await _in_pieces(writer, json.dumps(said).encode())
        elif trick is Trick.RESET:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.write(_TRICKS[trick](good) if trick in _TRICKS else good)
        if trick in (Trick.CLOSE, Trick.HALF, Trick.HALF_CHUNK, Trick.ONE_EACH):
            writer.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _reply(status: int, document: Any, kind: str = "application/json") -> bytes:
    body = b"" if document is None else json.dumps(document).encode()
    length = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n" if status != 204 else ""
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    return f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}\r\n{length}Date: {date}\r\n\r\n".encode() + body


def _send(writer: asyncio.StreamWriter, status: int, document: Any) -> None:
    writer.write(_reply(status, document))


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


def _uncompiled(name: str, row: int) -> dict[str, Any]:
    place = {"file": name, "row": row, "col": 1}
    error = {"code": "rego_parse_error", "message": "unexpected identifier token", "location": place}
    message = "error(s) occurred while compiling module(s)"
    return {"code": "invalid_parameter", "message": message, "errors": [error]}


def _at(data: Mapping[str, Any], steps: list[str]) -> Any:
    found: Any = data
    for step in steps:
        if not isinstance(found, Mapping) or step not in found:
            return UNDEFINED
        found = found[step]
    return found


def _put(data: dict[str, Any], steps: list[str], document: Any) -> None:
    for step in steps[:-1]:
        data = data.setdefault(step, {})
    data[steps[-1]] = document


def _remove(data: dict[str, Any], steps: list[str]) -> bool:
    above = _at(data, steps[:-1])
    return isinstance(above, dict) and above.pop(steps[-1], UNDEFINED) is not UNDEFINED


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
    Trick.ERROR: lambda good: _reply(
        500,
        {"code": "internal_error", "message": "eval_conflict_error"},
    ),
    Trick.NOT_FOUND: lambda good: _raw(404, b"404 page not found"),
    Trick.BUSY: lambda good: _raw(503, b"busy"),
}
"""Those that only change the bytes."""
