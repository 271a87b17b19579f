"""A fake Open Policy Agent: its REST API as far as the `opa` engine and `policy push` use it, and misbehaviour on
command. It evaluates nothing: decisions are told to it."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from dnspolicy.testing.opatricks import PATIENCE, Trick, misbehave, reply

UNDEFINED = object()
"""What `says` holds when the policy says nothing."""
BROKEN = "not rego"
"""A policy with such a line does not compile."""


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
        self._talking: set[asyncio.Task[None]] = set()

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
        self._loop = loop = asyncio.get_running_loop()
        ready.append(None)
        told.set()
        await self._ending.wait()
        for sock in server.sockets:  # let nobody in; a server that is closed fails those who were let in just now
            loop.remove_reader(sock.fileno())
        for _ in range(10):  # those begin to be talked to, and so are known here
            await asyncio.sleep(0)
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        for _ in range(3):  # sockets are closed in a turn after that
            await asyncio.sleep(0)
        if isinstance(self._at, Path):
            self._at.unlink(missing_ok=True)

    async def _listen(self) -> asyncio.Server:
        if isinstance(self._at, Path):
            return await asyncio.start_unix_server(self._let_in, self._at)
        server = await asyncio.start_server(self._let_in, self._at, self._port, ssl=self._tls)
        self._port = server.sockets[0].getsockname()[1]
        return server

    def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Known from its first moment: a task that is cancelled before it begins closes nothing."""
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self._talking.add(task)
        task.add_done_callback(self._talking.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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
        await misbehave(self.trick, said, self.delay, writer)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _send(writer: asyncio.StreamWriter, status: int, document: Any) -> None:
    writer.write(reply(status, document))


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
