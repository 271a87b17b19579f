"""The listeners that rooms share."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest
from aiohttp import web

from dnspolicy.chain.http import Address, HttpListeners, Page, Route, parse_address, probe
from dnspolicy.model.errors import ConfigError

HERE = Address("127.0.0.1", 0)


def page(text: str):
    async def serve(accept: str) -> Page:
        return Page(200, text.encode())

    return serve


async def get(route: Route, path: str, method: str = "GET") -> tuple[int, str]:
    url = f"http://127.0.0.1:{route.port}{path}"
    async with aiohttp.ClientSession() as client, client.request(method, url) as reply:
        return reply.status, await reply.text()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":8080", Address("", 8080)),
        ("localhost:9153", Address("localhost", 9153)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("[::1]:53", Address("::1", 53)),
        ("[2001:DB8:0::1]:53", Address("2001:db8::1", 53)),
    ],
)
def test_addresses_are_read(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


def test_paths_of_several_rooms_share_an_address() -> None:
    async def story() -> None:
        listeners = HttpListeners()
        one = await listeners.open(HERE, "/one", page("1"), owner="one")
        two = await listeners.open(HERE, "/two", page("2"), owner="two")
        assert one.port == two.port
        assert await get(one, "/one") == (200, "1")
        assert await get(one, "/two?x=y") == (200, "2")
        assert (await get(one, "/three"))[0] == 404
        assert (await get(one, "/one", "POST"))[0] == 405
        await listeners.close(one)
        assert (await get(two, "/one"))[0] == 404
        await listeners.close(two)
        await listeners.close(two)

    asyncio.run(story())


def test_the_newer_of_two_answers_and_the_older_comes_back() -> None:
    async def story() -> None:
        listeners = HttpListeners()
        old = await listeners.open(HERE, "/", page("old"), owner="room")
        new = await listeners.open(HERE, "/", page("new"), owner="room")
        assert (await get(old, "/"))[1] == "new"
        await listeners.close(new)
        assert (await get(old, "/"))[1] == "old"
        await listeners.close(old)

    asyncio.run(story())


def test_every_address_means_both_families() -> None:
    async def story() -> None:
        listeners = HttpListeners()
        route = await listeners.open(Address("", 0), "/", page("here"), owner="room")
        assert await probe(route.port, "/") == 200
        if socket.has_dualstack_ipv6():
            assert await probe(route.port, "/", host="::1") == 200
        await listeners.close(route)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("host", "why"), [("127.0.0.1", "the port is in use"), ("192.0.2.1", "no such address")], ids=["in use", "foreign"]
)
def test_an_address_that_cannot_be_had_is_one_clear_line(host: str, why: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address(host, taken.getsockname()[1])
        with pytest.raises(ConfigError, match=rf"^prometheus: cannot listen on {address}: .*{why}.*$"):
            asyncio.run(HttpListeners().open(address, "/metrics", page(""), owner="prometheus"))


def test_a_silent_connection_is_ended() -> None:
    async def story() -> bytes:
        listeners = HttpListeners(deadline=0.05)
        route = await listeners.open(HERE, "/", page("x"), owner="room")
        reader, writer = await asyncio.open_connection("127.0.0.1", route.port)
        writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()
            await listeners.close(route)

    assert asyncio.run(story()) == b""


def test_connections_beyond_the_limit_are_closed_and_the_rest_is_served() -> None:
    async def story() -> None:
        listeners = HttpListeners(max_connections=2)
        route = await listeners.open(HERE, "/", page("x"), owner="room")
        held = [await asyncio.open_connection("127.0.0.1", route.port) for _ in range(2)]
        with pytest.raises(OSError):  # noqa: PT011 closed before or during the reply
            await probe(route.port, "/")
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        for _ in range(100):
            try:
                assert await probe(route.port, "/") == 200
                break
            except OSError:  # the server has not noticed yet that they left
                await asyncio.sleep(0.01)
        else:
            pytest.fail("never served again")
        await listeners.close(route)

    asyncio.run(story())


def test_a_page_that_fails_is_a_500_is_logged_and_the_next_one_is_served(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(accept: str) -> Page:
        raise RuntimeError("oh")

    async def story() -> None:
        listeners = HttpListeners()
        bad = await listeners.open(HERE, "/bad", broken, owner="room")
        good = await listeners.open(HERE, "/good", page("x"), owner="room")
        assert (await get(bad, "/bad"))[0] == 500
        assert (await get(good, "/good"))[0] == 200
        await listeners.close(bad)
        await listeners.close(good)

    asyncio.run(story())
    assert [record.name for record in caplog.records] == ["dnspolicy.http"]


@pytest.mark.parametrize(
    "junk",
    [
        b"\x00\x01\x1b[31mFOO\r\n\r\n",
        b"GET /\x1b[31m HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: " + b"x" * 20_000 + b"\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
    ],
    ids=["binary", "escape in path", "long header", "HTTP/2", "TLS"],
)
def test_junk_is_refused_and_leaves_nothing_in_the_log(junk: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> bytes:
        listeners = HttpListeners()
        route = await listeners.open(HERE, "/", page("x"), owner="room")
        reader, writer = await asyncio.open_connection("127.0.0.1", route.port)
        writer.write(junk)
        reply = await reader.read()
        writer.close()
        await listeners.close(route)
        return reply

    assert asyncio.run(story()).startswith(b"HTTP/1.0 400 ")
    assert caplog.records == []


def test_an_address_is_free_again_when_opening_was_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cancelled(_: object) -> None:
        raise asyncio.CancelledError

    async def story() -> None:
        listeners = HttpListeners()
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = Address("127.0.0.1", free.getsockname()[1])
        with monkeypatch.context() as patch:
            patch.setattr(web.SockSite, "start", cancelled)
            with pytest.raises(asyncio.CancelledError) as kept:  # its frames keep what was opened alive
                await listeners.open(address, "/", page(""), owner="test")
        route = await listeners.open(address, "/", page(""), owner="test")
        await listeners.close(route)
        assert kept

    asyncio.run(story())
