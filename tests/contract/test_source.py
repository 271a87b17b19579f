"""An index that follows an API server, fake or real, through all that can happen to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from dnspolicy.cluster.apiserver.options import Connect
from dnspolicy.cluster.objects import Kind, ServiceKind
from dnspolicy.testing.apiserver import FakeApiServer, Fault, Trick, Verb, WatchLists, in_thread
from dnspolicy.testing.certificates import Authority
from tests.contract.clusters import LIMITED, Cluster, Fake, Real, endpoints, namespace, node, pod, service
from tests.contract.following import QUICK, Following
from tests.peers.find import missing
from tests.real.cluster import PROGRAMS

Story = Callable[[Following], Awaitable[None]]
_REAL = pytest.mark.real(*PROGRAMS)
KINDS_OF_SERVERS = (
    *(pytest.param(how.value, id=f"fake, streams {how}") for how in WatchLists),
    pytest.param("real", marks=_REAL),
    pytest.param("real in pages", marks=_REAL),
)


@pytest.fixture(params=KINDS_OF_SERVERS)
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """In each way a server can give its lists. The fake one takes anybody who shows no token for its owner."""
    if request.param.startswith("real"):
        fixture = "real_cluster" if request.param == "real" else "paging_cluster"
        yield Real(request.getfixturevalue(fixture))
        return
    server = FakeApiServer()
    server.watch_lists = WatchLists(request.param)
    with in_thread(server) as threaded:
        cluster = Fake(threaded)
        server.access.anybody = True
        yield cluster


def follow(cluster: Cluster, folder: Path, story: Story, token: str | Path = "") -> None:
    """Tell the story of an index that follows from the beginning."""

    async def told() -> None:
        async with Following(cluster, folder, token) as following:
            await story(following)

    asyncio.run(told())


async def does(action: Callable[..., object], *words: object) -> None:
    """Change the cluster beside the event loop."""
    await asyncio.to_thread(action, *words)


def fill(cluster: Cluster, space: str) -> None:
    cluster.put(pod(space, "web-0", "10.1.0.1", app="web"))
    cluster.put(service(space, "web", tier="front"))
    cluster.put(service(space, "db", "None"))
    cluster.put(endpoints(space, "web-x", "web", ("10.1.0.1", "web-0")))


def test_everything_is_loaded(cluster: Cluster, space: str, tmp_path: Path) -> None:
    fill(cluster, space)
    cluster.put(namespace(space, team="a"))
    cluster.put(node("node-1", "192.0.2.1"))

    async def story(following: Following) -> None:
        assert await following.source.synced(20)
        index = following.index
        assert index.namespace(space).labels["team"] == "a"
        assert (following.pod_at("10.1.0.1").name, dict(following.pod_at("10.1.0.1").labels)) == (
            "web-0",
            {"app": "web"},
        )
        assert following.held(Kind.SERVICE, space) == ["db", "web"]
        assert index.service(space, "db").kind is ServiceKind.HEADLESS
        assert index.service(space, "web").ports[0].number == 80
        assert following.addresses(space, "web") == ["10.1.0.1"]
        assert index.node("node-1").addresses == ("192.0.2.1",)
        assert following.source.complaints() == ()

    follow(cluster, tmp_path, story)


def test_more_than_a_page_is_loaded(cluster: Cluster, space: str, tmp_path: Path) -> None:
    wanted = [f"s{number:04}" for number in range(1_201)]
    cluster.put_all(service(space, name, "None") for name in wanted)

    async def story(following: Following) -> None:
        assert await following.source.synced(20)
        assert following.held(Kind.SERVICE, space) == wanted

    follow(cluster, tmp_path, story)


def test_every_change_is_seen(cluster: Cluster, space: str, tmp_path: Path) -> None:
    fill(cluster, space)

    async def story(following: Following) -> None:
        assert await following.source.synced(20)
        await does(cluster.put, pod(space, "web-1", "10.1.0.2"))
        await does(cluster.put, service(space, "api"))
        await does(cluster.put, endpoints(space, "web-x", "web", ("10.1.0.1", "web-0"), ("10.1.0.2", "web-1")))
        await does(cluster.put, namespace(space, team="b"))
        await following.until(lambda: following.pod_at("10.1.0.2") and following.index.service(space, "api"))
        await following.until(lambda: following.addresses(space, "web") == ["10.1.0.1", "10.1.0.2"])
        await following.until(lambda: following.index.namespace(space).labels.get("team") == "b")
        await does(cluster.put, pod(space, "web-0", "10.1.0.1", app="new"))
        await following.until(lambda: following.pod_at("10.1.0.1").labels == {"app": "new"})
        for kind, name in (("Pod", "web-0"), ("Service", "api"), ("EndpointSlice", "web-x")):
            await does(cluster.remove, kind, space, name)
        await following.until(lambda: following.held(Kind.POD, space) == ["web-1"])
        await following.until(lambda: following.held(Kind.SERVICE, space) == ["db", "web"])
        await following.until(lambda: not following.addresses(space, "web"))

    follow(cluster, tmp_path, story)


def test_a_namespace_goes(cluster: Cluster, tmp_path: Path) -> None:
    cluster.put(namespace("passing"))

    async def story(following: Following) -> None:
        await following.until(lambda: following.index.namespace("passing"))
        await does(cluster.empty, "passing")
        await following.until(lambda: not following.index.namespace("passing"))

    follow(cluster, tmp_path, story)


def test_a_pod_that_is_finished_gives_its_address_back(cluster: Cluster, space: str, tmp_path: Path) -> None:
    cluster.put(pod(space, "job", "10.1.0.1"))

    async def story(following: Following) -> None:
        await following.until(lambda: following.pod_at("10.1.0.1"))
        await does(cluster.put, pod(space, "job", "10.1.0.1", "Succeeded"))
        await following.until(lambda: not following.pod_at("10.1.0.1"))
        await does(cluster.put, pod(space, "next", "10.1.0.1"))
        await following.until(lambda: following.pod_at("10.1.0.1"))
        assert following.pod_at("10.1.0.1").name == "next"

    follow(cluster, tmp_path, story)


def test_a_pod_of_the_same_name_is_another(cluster: Cluster, space: str, tmp_path: Path) -> None:
    cluster.put(pod(space, "web-0", "10.1.0.1"))

    async def story(following: Following) -> None:
        await following.until(lambda: following.pod_at("10.1.0.1"))
        first = following.pod_at("10.1.0.1").uid
        await does(cluster.remove, "Pod", space, "web-0")
        await does(cluster.put, pod(space, "web-0", "10.1.0.2"))
        await following.until(lambda: following.pod_at("10.1.0.2"))
        assert following.pod_at("10.1.0.2").uid != first
        assert following.pod_at("10.1.0.1") is None

    follow(cluster, tmp_path, story)


def test_what_changed_while_nobody_answered_is_seen_after(cluster: Cluster, space: str, tmp_path: Path) -> None:
    """Nothing is forgotten meanwhile; what went before the history was lost goes from the index too."""
    fill(cluster, space)

    async def story(following: Following) -> None:
        assert await following.source.synced(20)
        await does(cluster.crash)
        await following.complains("pods")
        assert following.addresses(space, "web") == ["10.1.0.1"]
        await does(cluster.come_back)
        await does(cluster.put, service(space, "late"))
        await does(cluster.remove, "Pod", space, "web-0")
        await following.until(lambda: following.index.service(space, "late"))
        await following.until(lambda: not following.held(Kind.POD, space))
        await following.until(lambda: not following.source.complaints())

    follow(cluster, tmp_path, story)


def test_what_was_deleted_behind_its_back_goes(cluster: Cluster, space: str, tmp_path: Path) -> None:
    """Stopped, and started again when the history is no longer there."""
    fill(cluster, space)

    async def told() -> None:
        async with Following(cluster, tmp_path) as following:
            assert await following.source.synced(20)
            await following.source.stop()
            await does(cluster.remove, "Pod", space, "web-0")
            await does(cluster.remove, "Service", space, "web")
            await does(cluster.crash)
            await does(cluster.come_back)
            assert following.held(Kind.POD, space) == ["web-0"]
            await following.source.start()
            await following.until(lambda: following.held(Kind.SERVICE, space) == ["db"])
            await following.until(lambda: not following.held(Kind.POD, space))

    asyncio.run(told())


def test_watches_that_end_are_taken_up_again(cluster: Cluster, space: str, tmp_path: Path) -> None:
    timing = msgspec.structs.replace(QUICK, watch_least=1, watch_most=1)

    async def told() -> None:
        async with Following(cluster, tmp_path, timing=timing) as following:
            assert await following.source.synced(20)
            for number in range(8):
                await does(cluster.put, pod(space, f"p{number}", f"10.1.0.{number + 1}"))
                await asyncio.sleep(0.3)
            await following.until(lambda: len(following.held(Kind.POD, space)) == 8)

    asyncio.run(told())


def test_what_may_not_be_read_is_named_until_it_may(cluster: Cluster, space: str, tmp_path: Path) -> None:
    fill(cluster, space)
    cluster.grant("namespaces", "services", "pods", "nodes")

    async def story(following: Following) -> None:
        await following.complains("endpointslices", "forbidden")
        assert not await following.source.synced(0)
        assert [line.partition(":")[0] for line in following.source.complaints()] == ["endpointslices"]
        await following.until(lambda: following.held(Kind.SERVICE, space) == ["db", "web"])
        await does(cluster.grant, "namespaces", "services", "pods", "nodes", "endpointslices")
        await following.until(lambda: following.addresses(space, "web") == ["10.1.0.1"])
        assert await following.source.synced(20)

    follow(cluster, tmp_path, story, LIMITED)


def test_nodes_are_done_without(cluster: Cluster, space: str, tmp_path: Path) -> None:
    cluster.grant("namespaces", "services", "pods", "endpointslices")

    async def story(following: Following) -> None:
        assert await following.source.synced(20)
        await following.complains("nodes", "forbidden")

    follow(cluster, tmp_path, story, LIMITED)


def test_a_token_that_is_not_good_is_read_again(cluster: Cluster, space: str, tmp_path: Path) -> None:
    fill(cluster, space)
    file = tmp_path / "token"
    file.write_text("nobody's")

    async def story(following: Following) -> None:
        await following.complains("pods", "nauthorized")
        file.write_text(cluster.token)
        assert await following.source.synced(20)
        assert following.held(Kind.POD, space) == ["web-0"]
        await following.until(lambda: not following.source.complaints())

    follow(cluster, tmp_path, story, file)


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
