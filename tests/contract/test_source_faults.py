"""An index that follows an API server which misbehaves on command."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dnspolicy.cluster.apiserver.options import Connect
from dnspolicy.cluster.objects import Kind
from dnspolicy.testing.apiserver import FakeApiServer, Fault, Trick, Verb, WatchLists, in_thread
from dnspolicy.testing.certificates import Authority
from tests.contract.clusters import Fake, namespace, pod
from tests.contract.following import QUICK, Following, follow
from tests.peers.find import missing


@pytest.fixture
def misbehaving() -> Iterator[Fake]:
    with in_thread(FakeApiServer()) as threaded:
        yield Fake(threaded, open_to_all=True)


REFUSALS = (Trick.GONE, Trick.BUSY, Trick.UNAVAILABLE, Trick.BROKEN, Trick.LATE)
BAD_LISTS = [
    (WatchLists.REFUSED, verb, trick, 0)
    for verb in (Verb.LIST, Verb.CONTINUE)
    for trick in (*REFUSALS, Trick.SLOW, Trick.CUT, Trick.RESET, Trick.MALFORMED, Trick.SILENCE)
]
BAD_WATCHES = [
    (streams, Verb.WATCH, trick, after)
    for streams in (WatchLists.SERVED, WatchLists.REFUSED)
    for trick in Trick
    for after in ((0,) if trick in (*REFUSALS, Trick.SLOW) else (0, 2))
]


@pytest.mark.parametrize(("streams", "verb", "trick", "after"), BAD_LISTS + BAD_WATCHES)
def test_no_misbehaviour_keeps_it_from_the_truth(
    misbehaving: Fake, tmp_path: Path, streams: WatchLists, verb: Verb, trick: Trick, after: int
) -> None:
    """Every object is there in the end, no object is that should not be, and changes are still seen."""
    server = misbehaving.server
    server.watch_lists, server.bookmark_every = streams, 0.2
    misbehaving.put(namespace("shop"))
    misbehaving.put_all(
        pod("shop", f"p{n:03}", f"10.1.{n // 250}.{n % 250}", motto="größer, ünïcode ☂") for n in range(510)
    )
    server.add(Fault(trick=trick, verb=verb, resource="pods", times=2, retry_after=0, seconds=0.2, after=after))
    timing = msgspec.structs.replace(
        QUICK, page=0.4, initial_quiet=0.4, quiet=0.6, watch_least=1, watch_most=1, grace=0.2
    )

    async def told() -> None:
        async with Following(misbehaving, tmp_path, timing=timing) as following:
            assert await following.source.synced(20)
            misbehaving.put(pod("shop", "new", "10.2.0.1"))
            misbehaving.remove("Pod", "shop", "p100")
            await following.until(lambda: following.pod_at("10.2.0.1") and not following.pod_at("10.1.0.100"))
            await following.until(lambda: len(following.held(Kind.POD, "shop")) == 510)

    asyncio.run(told())


STRIKES = [
    trick for trick in Trick if trick not in (Trick.BUSY, Trick.UNAVAILABLE, Trick.BROKEN, Trick.LATE, Trick.SLOW)
]


@pytest.mark.parametrize("trick", STRIKES)
@pytest.mark.parametrize("lost", [False, True], ids=["history is kept", "history is lost"])
def test_no_change_is_missed_when_a_watch_goes_wrong(
    misbehaving: Fake, tmp_path: Path, trick: Trick, lost: bool
) -> None:
    server = misbehaving.server
    server.bookmark_every = 0.1
    misbehaving.put(namespace("shop"))
    misbehaving.put(pod("shop", "old", "10.1.0.1"))
    timing = msgspec.structs.replace(QUICK, quiet=0.5, watch_least=1, watch_most=2, grace=0.2)

    async def told() -> None:
        async with Following(misbehaving, tmp_path, timing=timing) as following:
            assert await following.source.synced(20)
            server.strike(trick)
            misbehaving.remove("Pod", "shop", "old")
            misbehaving.put(pod("shop", "new", "10.1.0.1"))
            if lost:
                server.store.compact()
            await following.until(lambda: following.held(Kind.POD, "shop") == ["new"])
            assert [found.name for found in following.index.pods_at("10.1.0.1")] == ["new"]

    asyncio.run(told())


@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_it_does_not_matter_how_the_bytes_arrive(misbehaving: Fake, tmp_path: Path, piece: int) -> None:
    server = misbehaving.server
    server.piece = piece
    misbehaving.put(namespace("shop", motto="x" * 60))
    misbehaving.put_all(pod("shop", f"p{n}", f"10.1.0.{n + 1}", motto="größer ☂") for n in range(20))

    async def told() -> None:
        async with Following(misbehaving, tmp_path) as following:
            assert await following.source.synced(20)
            misbehaving.put(pod("shop", "late", "10.1.1.1", motto="größer ☂"))
            await following.until(lambda: following.pod_at("10.1.1.1"))
            assert following.pod_at("10.1.0.20").labels == {"motto": "größer ☂"}

    asyncio.run(told())


@pytest.mark.skipif(bool(missing("openssl")), reason="makes certificates with openssl")
@pytest.mark.parametrize("known", [True, False], ids=["with a certificate", "without"])
def test_who_shows_a_certificate_is_known_by_it(tmp_path: Path, known: bool) -> None:
    authority = Authority(tmp_path)
    server = FakeApiServer(tls=authority.listening("fake"))
    server.access.certificates = True
    certificate, key = authority.client("reader") if known else (None, None)

    with in_thread(server) as threaded:
        cluster = Fake(threaded, open_to_all=True)
        cluster.owner = Connect(endpoint=server.url, certificate=certificate, key=key, ca=authority.certificate)

        async def story(following: Following) -> None:
            if known:
                assert await following.source.synced(20)
                assert {asked.user for asked in server.asked} == {"reader"}
            else:
                await following.complains("pods", "system:anonymous")

        follow(cluster, tmp_path, story)
