"""A kube-apiserver that does as it is told, for the kinds of `resources.RESOURCES` and those that `serve` adds.

    async with FakeApiServer() as server:
        server.put({"kind": "Namespace", "metadata": {"name": "shop"}})
        server.add(Fault(trick=Trick.BUSY, verb=Verb.WATCH, retry_after=1))
        ...  # point a client at server.url
        assert server.asked[0].resource == "namespaces"

`in_thread` runs one beside a test that has no event loop of its own. What changes objects, faults and access can be
called from any thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import TracebackType

import msgspec
from aiohttp import web

from dnspolicy.testing.apiserver.access import Access
from dnspolicy.testing.apiserver.faults import Fault, Faults, Trick, Verb
from dnspolicy.testing.apiserver.listing import listed, number
from dnspolicy.testing.apiserver.refusal import Refusal, invalid, too_new
from dnspolicy.testing.apiserver.resources import Manifest, Resource, by_path, discovered
from dnspolicy.testing.apiserver.selectors import Test, selection
from dnspolicy.testing.apiserver.store import Store
from dnspolicy.testing.apiserver.stream import Stream, silence
from dnspolicy.testing.apiserver.watching import Watch, Wish

_YES = ("1", "true", "True", "t", "T", "TRUE")


class WatchLists(StrEnum):
    """What becomes of `sendInitialEvents`.

    Done; refused with 422; refused with 500 in an ERROR event, because the etcd behind the server is older than 3.4.31
    or 3.5.13; or (by servers older than 1.27) not noticed.
    """

    SERVED = "served"
    REFUSED = "refused"
    LACKING = "lacking"
    UNKNOWN = "unknown"


class Asked(msgspec.Struct, frozen=True):
    """One request that arrived. `namespace` is empty for all; `headers` have names in lower case."""

    verb: Verb
    resource: str
    namespace: str
    wish: Mapping[str, str]
    headers: Mapping[str, str]
    user: str


class FakeApiServer:
    """Listens on a free port of a loopback address, which it keeps when it is stopped and started again.

    `bookmark_every` (seconds, 0 for none but the last) and `piece` (bytes in a chunk, 0 for whole lines) hold for
    watches and answers from then on.
    """

    def __init__(self, ip: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None) -> None:
        self.ip = ip
        self.port = 0
        self.store = Store()
        self.access = Access()
        self.asked: list[Asked] = []
        self.watch_lists = WatchLists.SERVED
        self.bookmark_every = 0.0
        self.piece = 0
        self._faults = Faults()
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self._watches: set[Watch] = set()

    @property
    def url(self) -> str:
        """`http(s)://IP:PORT`."""
        return f"{'https' if self._tls else 'http'}://{self.ip}:{self.port}"

    @property
    def watching(self) -> list[str]:
        """The resources that are being watched now, one for each watch."""
        return sorted(watch.wish.resource.plural for watch in list(self._watches))

    def put(self, item: Manifest) -> int:
        """Create or replace an object; see `Store.put`."""
        return self.store.put(item)

    def serve(self, resource: Resource) -> None:
        """Serve another resource; see `Store.serve`."""
        self.store.serve(resource)

    def remove(self, kind: str, namespace: str, name: str) -> int:
        """Delete an object; see `Store.remove`."""
        return self.store.remove(kind, namespace, name)

    def add(self, fault: Fault) -> None:
        """Let something go wrong with requests to come."""
        self._faults.add(fault)

    def clear(self) -> None:
        """Forget the faults that did not happen yet."""
        self._faults.clear()

    def strike(self, trick: Trick, resource: str = "") -> None:
        """Do this to the watches that are open now, of one resource or of all."""
        for watch in list(self._watches):
            if resource in ("", watch.wish.resource.plural):
                watch.strike(trick)

    def bookmark(self) -> None:
        """Send a bookmark on every open watch that asked for them."""
        for watch in list(self._watches):
            watch.bookmark()

    async def __aenter__(self) -> FakeApiServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen. Raises OSError."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.ip, self.port, ssl_context=self._tls, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Break all connections off and refuse new ones."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            for connection in runner.server.connections if runner.server is not None else ():
                if connection.transport is not None:
                    connection.transport.abort()
            await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except Refusal as refusal:
            body = msgspec.json.encode(refusal.status())
            return web.Response(
                status=refusal.code, body=body, headers=refusal.headers, content_type="application/json"
            )

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        user = self.access.user(request.headers, _common_name(request))
        if request.path in ("/readyz", "/livez", "/healthz"):
            return web.Response(text="ok")
        if request.path == "/version":
            return web.json_response({"major": "1", "minor": "34", "gitVersion": "v1.34.0-fake"})
        described = discovered(request.path, self.store.resources)
        if described is not None:
            return web.json_response(described)
        found = by_path(request.path, self.store.resources)
        if found is None:
            raise Refusal(404, "there is no such resource")
        if request.method != "GET":
            raise Refusal(405, "only GET is served")
        resource, namespace = found
        wish = dict(request.query)
        verb = _verb(wish)
        if verb is Verb.WATCH and not resource.watched:
            raise Refusal(405, "the server does not allow this method on the requested resource")
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(Asked(verb, resource.plural, namespace, wish, headers, user))
        self.access.check(user, verb, resource, namespace)
        fault = self._faults.take(verb, resource.plural)
        await _before(fault)
        meant = selection(resource, namespace, wish.get("labelSelector", ""), wish.get("fieldSelector", ""))
        stream = Stream(request, self.piece)
        if verb is Verb.WATCH:
            await self._watch(stream, self._wish(resource, meant, wish), fault)
        else:
            await _list(stream, listed(self.store, resource, meant, wish), fault)
        return stream.response

    async def _watch(self, stream: Stream, wish: Wish, fault: Fault | None) -> None:
        if wish.ends_initial and self.watch_lists is WatchLists.LACKING:
            await stream.begin()
            await stream.event("ERROR", Refusal(500, "the store does not report progress").status())
            return
        watch = Watch(wish, self.store, None if fault is None or fault.trick is Trick.SLOW else fault)
        self._watches.add(watch)
        try:
            await watch.run(stream)
        finally:
            self._watches.discard(watch)

    def _wish(self, resource: Resource, meant: Test, wish: Mapping[str, str]) -> Wish:
        since = number(wish.get("resourceVersion") or "0") or None
        initial = wish.get("sendInitialEvents") if self.watch_lists is not WatchLists.UNKNOWN else None
        bookmarks = wish.get("allowWatchBookmarks") in _YES
        if initial is not None:
            self._check_initial(wish, since)
            since = None if initial in _YES else since or self.store.version
        elif wish.get("resourceVersionMatch") and self.watch_lists is not WatchLists.UNKNOWN:
            raise invalid("resourceVersionMatch is for lists, and watches with sendInitialEvents")
        return Wish(
            resource=resource,
            meant=meant,
            since=since,
            seconds=number(wish.get("timeoutSeconds") or "0"),
            bookmarks=bookmarks,
            every=self.bookmark_every if bookmarks else 0.0,
            ends_initial=bookmarks and initial in _YES,
        )

    def _check_initial(self, wish: Mapping[str, str], since: int | None) -> None:
        if self.watch_lists is WatchLists.REFUSED:
            raise invalid("sendInitialEvents is not offered by this server")
        if wish.get("resourceVersionMatch") != "NotOlderThan":
            raise invalid("sendInitialEvents needs resourceVersionMatch=NotOlderThan")
        if since is not None and since > self.store.version:
            raise too_new(since, self.store.version)


def _verb(wish: Mapping[str, str]) -> Verb:
    if wish.get("watch") in _YES:
        return Verb.WATCH
    return Verb.CONTINUE if wish.get("continue") else Verb.LIST


def _common_name(request: web.Request) -> str:
    """Of the client's certificate; empty when it showed none."""
    certificate = request.transport.get_extra_info("peercert") if request.transport else None
    names = [value for part in (certificate or {}).get("subject", ()) for key, value in part if key == "commonName"]
    return names[0] if names else ""


async def _before(fault: Fault | None) -> None:
    """What a fault does before the request is looked at. Raises Refusal."""
    refusal = fault.refusal() if fault is not None else None
    if refusal is not None:
        raise refusal
    if fault is not None and fault.trick is Trick.SLOW:
        await asyncio.sleep(fault.seconds)


async def _list(stream: Stream, answer: Manifest, fault: Fault | None) -> None:
    trick = fault.trick if fault is not None else None
    if trick is Trick.SILENCE:
        await silence()
    if trick is Trick.EXPIRED:
        raise Refusal(410, "as commanded")
    body = msgspec.json.encode(answer)
    if trick is Trick.MALFORMED:
        body = body[: len(body) // 2] + b"]"
    await stream.begin(len(body))
    if trick in (Trick.CUT, Trick.RESET):
        await stream.send(body[: len(body) // 2])
        stream.close(reset=trick is Trick.RESET)
    else:
        await stream.send(body)


class Threaded:
    """A server on an event loop of its own in a thread, for tests that have none. Made by `in_thread`."""

    def __init__(self, server: FakeApiServer) -> None:
        self.server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-apiserver", daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Listen, again after `stop`. Raises OSError."""
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(10)

    def stop(self) -> None:
        """Break all connections off and refuse new ones."""
        asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(10)

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@contextlib.contextmanager
def in_thread(server: FakeApiServer) -> Iterator[Threaded]:
    """Run a server in a thread. Raises OSError when it cannot listen."""
    threaded = Threaded(server)
    try:
        threaded.start()
        yield threaded
    finally:
        threaded.close()
