"""Something that is no API server answers in its place."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from aiohttp import web
from apiserver_help import LOG, QUICK, until

from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.apiserver.options import Connect, Options
from dnspolicy.cluster.apiserver.source import ApiServer
from dnspolicy.cluster.objects import Kind
from tests.e2e.process import free_port

IP = "127.0.0.1"
LIST = b'{"kind":"NamespaceList","metadata":{"resourceVersion":"1"},"items":[]}'


def html() -> web.Response:
    return web.Response(text="<html>Sign in</html>", content_type="text/html")


def packed() -> web.Response:
    """A few kilobytes that would become a list of many megabytes."""
    body = gzip.compress(LIST + b" " * (8 << 20))
    return web.Response(body=body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})


def elsewhere() -> web.Response:
    raise web.HTTPFound("http://127.0.0.1:1/api")


@pytest.mark.parametrize("reply", [html, packed, elsewhere], ids=lambda reply: reply.__name__)
def test_nothing_is_loaded_from_it(reply: object) -> None:
    assert callable(reply)
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        found = reply()
        assert isinstance(found, web.StreamResponse)
        return found

    async def story() -> tuple[tuple[str, ...], tuple[str, ...]]:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(application)
        await runner.setup()
        port = free_port(IP)
        await web.TCPSite(runner, IP, port).start()
        options = Options(connect=Connect(endpoint=f"http://{IP}:{port}"), kinds=(Kind.NAMESPACE,))
        source = ApiServer(options, clock=SystemClock(), metrics=Metrics(), log=LOG, timing=QUICK)
        await source.start()
        try:
            await until(lambda: len(asked) > 4 and source.complaints())
            return source.complaints(), source.index.missing()
        finally:
            await source.stop()
            await runner.cleanup()

    complaints, missing = asyncio.run(story())
    assert complaints
    assert missing == ("Namespace",)
    assert set(asked) == {"/api/v1/namespaces"}
