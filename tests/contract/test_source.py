"""An index that follows an API server, fake or real, through all that can happen to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dnspolicy.cluster.objects import Kind, ServiceKind
from dnspolicy.testing.apiserver import FakeApiServer, WatchLists, in_thread
from tests.contract.clusters import LIMITED, Cluster, Fake, Real, endpoints, namespace, node, pod, service
from tests.contract.following import QUICK, Following, does, follow
from tests.real.cluster import PROGRAMS

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
    file.write_text("nobodys")

    async def story(following: Following) -> None:
        await following.complains("pods", "nauthorized")
        file.write_text(cluster.token)
        assert await following.source.synced(20)
        assert following.held(Kind.POD, space) == ["web-0"]
        await following.until(lambda: not following.source.complaints())

    follow(cluster, tmp_path, story, file)
