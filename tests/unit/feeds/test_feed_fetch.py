"""A document behind a URL, and web servers that mean harm or are just broken."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import feeds_help
import pytest
from aiohttp import web
from feeds_help import Sink, fetching, serving

from dnspolicy.feeds.failures import FAULT_PAUSE, REFUSED_SECONDS, FeedFailure, Reason, bad_document, fault
from dnspolicy.feeds.fetch import Origin
from dnspolicy.testing.certificates import Authority
from dnspolicy.testing.clock import FakeClock


def text(body: bytes | str, status: int = 200, **headers: str) -> feeds_help.Answer:
    async def answer(request: web.Request) -> web.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if "ETag" in sent and request.headers.get("If-None-Match") == sent["ETag"]:
            return web.Response(status=304)
        raw = body if isinstance(body, bytes) else body.encode()
        return web.Response(body=raw, status=status, headers=sent)

    return answer


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(story())  # type: ignore[arg-type]


def reasons(sink: Sink) -> list[Reason]:
    return [problem.reason for problem in sink.problems if isinstance(problem, FeedFailure)]


def test_a_document_is_taken_once_and_then_confirmed() -> None:
    async def story() -> None:
        async with serving(text("one", ETag='"1"', Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT")) as server:
            async with fetching(Origin(url=server.url, every=7)) as fetcher:
                sink = Sink()
                assert await fetcher.once(sink) == 7
                assert await fetcher.once(sink) == 7
            assert (sink.bodies, len(sink.confirmations), sink.problems) == ([b"one"], 1, [])
            assert server.asked[1].headers["If-None-Match"] == '"1"'
            assert server.asked[1].headers["If-Modified-Since"] == "Thu, 01 Jan 2026 00:00:00 GMT"
            server.answer = text("two", ETag='"2"')
            async with fetching(Origin(url=server.url)) as fetcher:
                await fetcher.once(sink)
            assert sink.bodies == [b"one", b"two"]

    run(story)


def test_the_content_counts_and_not_its_etag() -> None:
    async def story() -> None:
        async with serving(text("one")) as server, fetching(Origin(url=server.url)) as fetcher:
            sink = Sink()
            for body, etag in (("one", '"1"'), ("one", '"2"'), ("two", '"2x"')):
                server.answer = text(body, ETag=etag)
                await fetcher.once(sink)
            server.answer = text("three", ETag='"2x"')  # says it is the old one when it is asked by that
            await fetcher.once(sink)
            assert (sink.bodies, len(sink.confirmations)) == ([b"one", b"two"], 2)

            async def liar(request: web.Request) -> web.Response:
                return web.Response(text="four", headers={"ETag": '"2x"'})

            server.answer = liar
            await fetcher.once(sink)
            assert sink.bodies[-1] == b"four"

    run(story)


def test_gzip_is_unpacked() -> None:
    async def story() -> None:
        async with (
            serving(text(gzip.compress(b"one" * 9), Content_Encoding="gzip")) as server,
            fetching(Origin(url=server.url)) as fetcher,
        ):
            sink = Sink()
            await fetcher.once(sink)
            assert sink.bodies == [b"one" * 9]

    run(story)


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65_536)


async def drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x")
        await asyncio.sleep(0.01)


async def silent(request: web.Request) -> web.StreamResponse:
    return await asyncio.get_running_loop().create_future()


async def half(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"x" * 50)
    assert request.transport is not None
    request.transport.close()
    return response


async def half_gzip(request: web.Request) -> web.Response:
    return web.Response(body=gzip.compress(b"one" * 99)[:-9], headers={"Content-Encoding": "gzip"})


async def behind_gzip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
    await response.prepare(request)
    await response.write(gzip.compress(b"one"))
    while True:
        await response.write(b"x" * 65_536)


def redirect(to: str) -> feeds_help.Answer:
    return text("", 302, Location=to)


NOT_MODIFIED = text("", 304)
HOSTILE: dict[str, tuple[feeds_help.Answer, Reason]] = {
    "a body without end": (endless, Reason.TOO_LARGE),
    "a body that says it is too large": (text(b"x" * 2_000), Reason.TOO_LARGE),
    "a small body that unpacks to a large one": (
        text(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip"),
        Reason.TOO_LARGE,
    ),
    "a slow drip": (drip, Reason.TIMEOUT),
    "silence": (silent, Reason.TIMEOUT),
    "half a document": (half, Reason.BAD_REPLY),
    "half a gzip stream": (half_gzip, Reason.BAD_REPLY),
    "two gzip streams": (text(gzip.compress(b"one") * 2, Content_Encoding="gzip"), Reason.BAD_REPLY),
    "more behind a gzip stream": (behind_gzip, Reason.BAD_REPLY),
    "no gzip": (text("x", Content_Encoding="gzip"), Reason.BAD_REPLY),
    "a coding nobody asked for": (text("x", Content_Encoding="br"), Reason.BAD_REPLY),
    "not modified, though there is nothing": (NOT_MODIFIED, Reason.BAD_REPLY),
    "a redirect to a file": (redirect("file:///etc/passwd"), Reason.REDIRECT),
    "a redirect to another scheme": (redirect("https://127.0.0.1/list"), Reason.REDIRECT),
    "a redirect in a circle": (redirect("/list"), Reason.REDIRECT),
    "a redirect to nowhere": (text("", 302), Reason.REDIRECT),
    "a redirect to no URL": (redirect("http://[::1"), Reason.BAD_REPLY),
    "nothing there": (text("", 404), Reason.STATUS),
    "a failure": (text("", 500), Reason.STATUS),
    "no content": (text("", 204), Reason.STATUS),
    "a part": (text("x", 206), Reason.STATUS),
    "not for us": (text("", 401), Reason.REFUSED),
    "forbidden": (text("", 403), Reason.REFUSED),
}


@pytest.mark.parametrize(("answer", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_what_goes_wrong_leaves_the_last_document(answer: feeds_help.Answer, reason: Reason) -> None:
    seconds = 0.5 if reason is Reason.TIMEOUT else 10.0

    async def story() -> None:
        async with (
            serving(answer) as server,
            fetching(Origin(url=server.url, limit=1_000, timeout=seconds)) as fetcher,
        ):
            sink = Sink()
            assert await fetcher.once(sink) > 0
            assert (reasons(sink), sink.taken, sink.confirmations) == ([reason], [], [])
            server.answer = text("good")
            await fetcher.once(sink)
            server.answer = answer
            await fetcher.once(sink)
            again = answer is not NOT_MODIFIED  # now there is something
            expected = [reason] * (1 + again)
            assert (sink.bodies, reasons(sink)) == ([b"good"], expected)

    run(story)


@pytest.mark.parametrize("header", ["ETag", "Last-Modified", "Content-Type"])
@pytest.mark.parametrize("value", [b'"\xe9"', b'"\x01"'], ids=["beyond ASCII", "a control character"])
def test_headers_that_cannot_be_repeated_are_not(header: str, value: bytes, tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(2):
            asked = await reader.readuntil(b"\r\n\r\n")
            assert b"If-" not in asked
            writer.write(b"HTTP/1.1 200 OK\r\n%b: %b\r\nContent-Length: 1\r\n\r\n%d" % (header.encode(), value, number))
        await writer.drain()
        writer.close()

    async def story() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with server, fetching(Origin(url=url, keep=tmp_path)) as fetcher:
            sink = Sink()
            await fetcher.once(sink)
            await fetcher.once(sink)
            assert (sink.bodies, sink.problems) == ([b"0", b"1"], [])
            again = Sink()
            async with fetching(Origin(url=url, keep=tmp_path)) as other:
                assert await other.restore(again)
            assert again.bodies == [b"1"]

    run(story)


def test_redirects_keep_the_token_at_home(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")

    async def story() -> None:
        async with serving(text("far")) as far, serving(text("")) as near:
            near.answer = redirect(far.url)
            async with fetching(Origin(url=near.url, token_file=tmp_path / "token")) as fetcher:
                sink = Sink()
                await fetcher.once(sink)
            assert sink.bodies == [b"far"]
            assert near.asked[0].headers["Authorization"] == "Bearer secret"
            assert "Authorization" not in far.asked[0].headers

    run(story)


@pytest.mark.parametrize("content", [None, "", "two words", "umlaut ä"], ids=["missing", "empty", "words", "umlaut"])
def test_a_token_that_is_none_is_not_sent(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)

    async def story() -> None:
        async with serving(text("x")) as server:
            async with fetching(Origin(url=server.url, token_file=tmp_path / "token")) as fetcher:
                sink = Sink()
                await fetcher.once(sink)
            assert (reasons(sink), server.asked) == ([Reason.CREDENTIALS], [])

    run(story)


def test_nobody_there() -> None:
    async def story() -> None:
        async with serving(text("x")) as server:
            url = server.url
        async with fetching(Origin(url=url)) as fetcher:
            sink = Sink()
            pauses = [await fetcher.once(sink) for _ in range(8)]
        assert reasons(sink) == [Reason.UNREACHABLE] * 8
        assert 0.7 < pauses[0] < 1.3
        assert 45 <= pauses[-1] <= 75

    run(story)


@pytest.mark.parametrize(
    ("headers", "least"),
    [
        ({"Retry_After": "17"}, 17),
        ({"Retry_After": "Thu, 01 Jan 2026 00:00:30 GMT", "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 30),
        ({"Retry_After": "soon"}, 0.5),
        ({"Retry_After": "999999999"}, 300),
    ],
    ids=["seconds", "a date", "nonsense", "for ever"],
)
def test_retry_after(headers: dict[str, str], least: float) -> None:
    async def story() -> None:
        async with serving(text("", 503, **headers)) as server, fetching(Origin(url=server.url)) as fetcher:
            assert least <= await fetcher.once(Sink()) <= max(least, 2)

    run(story)


@pytest.mark.parametrize(
    "headers",
    [{"Content_Type": "application/vnd.openpolicyagent.bundles"}, {"Preference_Applied": "wait=5"}],
    ids=["as bundles", "as applied"],
)
def test_long_polling(headers: dict[str, str]) -> None:
    async def story() -> None:
        async with (
            serving(text("x", **headers)) as server,
            fetching(Origin(url=server.url, wait=5, every=60)) as fetcher,
        ):
            assert await fetcher.once(Sink()) <= 1
            assert server.asked[0].headers["Prefer"] == "wait=5"
            server.answer = text("y")
            assert await fetcher.once(Sink()) == 60

    run(story)


def refuse_bad(body: bytes) -> None:
    if body.startswith(b"bad"):
        raise bad_document("it is bad")


def test_what_is_refused_is_not_sent_again_and_not_forgotten(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(text("good", ETag='"g"')) as server:
            origin = Origin(url=server.url, keep=tmp_path / "keep")
            async with fetching(origin) as fetcher:
                sink = Sink(refuse_bad)
                await fetcher.once(sink)
                server.answer = text("bad", ETag='"b"')
                await fetcher.once(sink)
                await fetcher.once(sink)
                assert server.asked[-1].headers["If-None-Match"] == '"b"'
                assert [str(problem) for problem in sink.problems] == ["it is bad"] * 2
                server.answer = text("good", ETag='"g2"')
                await fetcher.once(sink)
            assert (sink.bodies, len(sink.confirmations)) == ([b"good"], 1)
        async with fetching(origin) as fetcher:
            later = Sink(refuse_bad)
            assert await fetcher.restore(later)
            assert later.bodies == [b"good"]

    run(story)


def test_what_was_refused_is_tried_again_after_a_while() -> None:
    clock = FakeClock()
    refusals = iter([bad_document("a process to check it was too slow")])

    def judge(body: bytes) -> None:
        for problem in refusals:
            raise problem

    async def story() -> None:
        async with serving(text("good", ETag='"g"')) as server, fetching(Origin(url=server.url), clock) as fetcher:
            sink = Sink(judge)
            for _ in range(2):
                await fetcher.once(sink)
            assert (len(sink.problems), sink.bodies) == (2, [])
            clock.advance(REFUSED_SECONDS)
            await fetcher.once(sink)
            assert sink.bodies == [b"good"]

    run(story)


def test_what_could_not_be_read_for_a_fault_of_ours_is_sent_again_after_a_pause() -> None:
    clock = FakeClock()
    faults = iter([fault("no process could be started")])

    def judge(body: bytes) -> None:
        for problem in faults:
            raise problem

    async def story() -> None:
        async with serving(text("good", ETag='"g"')) as server, fetching(Origin(url=server.url), clock) as fetcher:
            sink = Sink(judge)
            await fetcher.once(sink)
            await fetcher.once(sink)
            assert server.asked[-1].headers["If-None-Match"] == '"g"'
            assert (len(sink.problems), sink.bodies) == (2, [])
            clock.advance(2 * FAULT_PAUSE)
            await fetcher.once(sink)
            assert "If-None-Match" not in server.asked[-1].headers
            assert (len(sink.problems), sink.bodies) == (2, [b"good"])

    run(story)


def test_what_reaches_a_limit_each_time_is_tried_ever_less_and_another_at_once() -> None:
    clock, tries = FakeClock(), 0

    def judge(body: bytes) -> None:
        nonlocal tries
        if body == b"endless":
            tries += 1
            raise fault("reading it took longer than 60 s")

    async def story() -> None:
        async with serving(text("endless")) as server, fetching(Origin(url=server.url), clock) as fetcher:
            sink = Sink(judge)
            for _ in range(60):
                await fetcher.once(sink)
                clock.advance(60.0)
            assert 10 <= tries <= 25
            assert {p.reason for p in sink.problems if isinstance(p, FeedFailure)} == {Reason.FAULT}
            assert len(sink.problems) == 60
            server.answer = text("another")
            await fetcher.once(sink)
            assert sink.bodies == [b"another"]

    run(story)


def test_what_an_unforeseen_fault_kept_out_does_not_count_as_taken() -> None:
    """The server says that nothing is new, but nobody has it."""
    faults = iter([MemoryError()])

    def judge(body: bytes) -> None:
        if body == b"new":
            for problem in faults:
                raise problem

    async def story() -> None:
        async with serving(text("old", ETag='"o"')) as server, fetching(Origin(url=server.url)) as fetcher:
            sink = Sink(judge)
            await fetcher.once(sink)
            server.answer = text("new", ETag='"n"')
            with pytest.raises(MemoryError):
                await fetcher.once(sink)
            await fetcher.once(sink)
            assert (sink.bodies, sink.confirmations) == ([b"old", b"new"], [])

    run(story)


def test_a_restart_while_the_server_is_away(tmp_path: Path) -> None:
    clock = FakeClock()

    async def story() -> None:
        async with serving(text("one", ETag='"1"')) as server:
            origin = Origin(url=server.url, keep=tmp_path / "keep")
            async with fetching(origin, clock) as fetcher:
                await fetcher.once(Sink())
                clock.advance(100)
                await fetcher.once(Sink())
                said = clock.wall()
                clock.advance(1_000)
        async with fetching(origin, clock) as fetcher:
            sink = Sink()
            assert await fetcher.restore(sink)
            await fetcher.once(sink)
        assert [(f.body, f.kept, f.at, f.etag) for f in sink.taken] == [(b"one", True, said, '"1"')]
        assert reasons(sink) == [Reason.UNREACHABLE]

    run(story)


def damage_body(folder: Path) -> None:
    next(folder.glob("*.body")).write_bytes(b"other")


def damage_head(folder: Path) -> None:
    (folder / "copy.json").write_text("{")


def other_sum(folder: Path) -> None:
    head = json.loads((folder / "copy.json").read_text())
    (folder / "copy.json").write_text(json.dumps(head | {"sha256": "../../etc/passwd"}))


def lose_body(folder: Path) -> None:
    next(folder.glob("*.body")).unlink()


@pytest.mark.parametrize("damage", [damage_body, damage_head, other_sum, lose_body])
def test_a_copy_that_is_damaged_is_not_used(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    async def story() -> None:
        async with serving(text("one", ETag='"1"')) as server:
            origin = Origin(url=server.url, keep=tmp_path / "keep")
            async with fetching(origin) as fetcher:
                await fetcher.once(Sink())
            damage(tmp_path / "keep")
            async with fetching(origin) as fetcher:
                sink = Sink()
                assert not await fetcher.restore(sink)
                await fetcher.once(sink)
                assert (sink.bodies, sink.taken[0].kept) == ([b"one"], False)

    run(story)


def test_a_copy_of_another_url_is_not_used(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(text("one")) as server:
            async with fetching(Origin(url=server.url, keep=tmp_path / "keep")) as fetcher:
                await fetcher.once(Sink())
            async with fetching(Origin(url=f"{server.url}2", keep=tmp_path / "keep")) as fetcher:
                assert not await fetcher.restore(Sink())

    run(story)


def test_only_one_body_is_kept(tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            serving(text("one")) as server,
            fetching(Origin(url=server.url, keep=tmp_path / "keep")) as fetcher,
        ):
            for body in ("one", "two", "three"):
                server.answer = text(body)
                await fetcher.once(Sink())

    run(story)
    assert sorted(path.suffix for path in (tmp_path / "keep").iterdir()) == [".body", ".json"]


def test_a_disk_that_takes_nothing_costs_the_copy_only(tmp_path: Path) -> None:
    (tmp_path / "keep").write_text("a file where the folder should be")

    async def story() -> None:
        async with (
            serving(text("one")) as server,
            fetching(Origin(url=server.url, keep=tmp_path / "keep")) as fetcher,
        ):
            sink = Sink()
            await fetcher.once(sink)
            assert (sink.bodies, sink.problems) == ([b"one"], [])

    run(story)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def test_tls_is_checked_and_the_certificate_shown(authority: Authority, tmp_path: Path) -> None:
    tls = authority.listening("feeds")
    certificate, key = authority.client("dns")

    async def story() -> None:
        async with serving(text("secret"), tls=tls) as server:
            seen: list[Any] = []

            async def answer(request: web.Request) -> web.Response:
                assert request.transport is not None
                seen.append(request.transport.get_extra_info("peercert"))
                return web.Response(text="secret")

            server.answer = answer
            strangers = Sink()
            async with fetching(Origin(url=server.url)) as fetcher:
                await fetcher.once(strangers)
            assert (reasons(strangers), seen) == ([Reason.TLS], [])
            wrong = Sink()
            by_name = server.url.replace("127.0.0.1", "127.0.0.2")
            async with fetching(Origin(url=by_name, ca=authority.certificate)) as fetcher:
                await fetcher.once(wrong)
            assert wrong.taken == []
            known = Sink()
            origin = Origin(url=server.url, ca=authority.certificate, certificate=certificate, key=key)
            async with fetching(origin) as fetcher:
                await fetcher.once(known)
            assert (known.bodies, seen[0]["subject"][-1][0][1]) == ([b"secret"], "dns")

    run(story)


def test_an_authority_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("no certificate")

    async def story() -> None:
        async with fetching(Origin(url="https://127.0.0.1:1/", ca=tmp_path / "ca")) as fetcher:
            sink = Sink()
            await fetcher.once(sink)
            assert reasons(sink) == [Reason.CREDENTIALS]

    run(story)


def test_what_is_secret_in_a_url_is_nowhere_to_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with serving(text("one")) as server:
            url = server.url.replace("http://", "http://user:geheim@") + "?key=geheim"
            for damaged in (False, True):
                if damaged:
                    damage_body(tmp_path / "keep")
                async with fetching(Origin(url=url, keep=tmp_path / "keep")) as fetcher:
                    sink = Sink()
                    await fetcher.restore(sink)
                    await fetcher.once(sink)
                    server.answer = text("", 500)
                    await fetcher.once(sink)
                    server.answer = text("one")
                    assert "geheim" not in str(sink.problems)
            assert server.asked[0].headers["Authorization"].startswith("Basic ")

    run(story)
    assert "is damaged" in caplog.text
    assert "geheim" not in caplog.text
    assert all(b"geheim" not in path.read_bytes() for path in (tmp_path / "keep").iterdir())
