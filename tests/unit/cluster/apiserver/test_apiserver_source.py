"""The index follows what the API server says, whatever happens on the way."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec
import pytest
from apiserver_help import QUICK, World, endpoints, namespace, pod, service, until, world

from dnspolicy.cluster.objects import Kind
from dnspolicy.model.identity import ClientKind
from dnspolicy.testing.apiserver import FakeApiServer, Fault, Trick, Verb, WatchLists

pytestmark = pytest.mark.filterwarnings("error")
FINISHED = "Succeeded"


def shop(*more: dict[str, Any]) -> FakeApiServer:
    server = FakeApiServer()
    for item in (namespace("shop"), service("web"), pod("a", "10.1.0.1", app="web"), *more):
        server.put(item)
    return server


@pytest.mark.parametrize("lists", list(WatchLists), ids=lambda lists: lists.value)
def test_loads_and_follows(lists: WatchLists) -> None:
    async def story() -> None:
        server = shop(pod("done", "10.1.0.9", FINISHED))
        server.watch_lists = lists
        async with world(server) as seen:
            assert await seen.source.synced(10)
            assert seen.index.service("shop", "web") is not None
            assert seen.index.identify("10.1.0.1").labels == {"app": "web"}
            assert seen.index.pod("shop", "done") is None

            server.put(namespace("bank"))
            server.put(pod("a", "10.1.0.2", app="web"))
            server.remove("Service", "shop", "web")
            await until(lambda: seen.index.namespace("bank") and seen.index.service("shop", "web") is None)
            await until(lambda: seen.index.identify("10.1.0.2").kind is ClientKind.POD)
            assert seen.index.identify("10.1.0.1").kind is not ClientKind.POD
            assert seen.source.complaints() == ()

    asyncio.run(story())


def test_pages() -> None:
    async def story() -> None:
        server = shop(*(pod(f"p{n}", f"10.2.{n // 250}.{n % 250}") for n in range(1201)))
        server.watch_lists = WatchLists.REFUSED
        async with world(server) as seen:
            assert await seen.source.synced(10)
            assert len(list(seen.index.held(Kind.POD))) == 1202
            assert [a.verb for a in server.asked if a.resource == "pods" and a.verb is not Verb.WATCH] == [
                Verb.LIST, Verb.CONTINUE, Verb.CONTINUE,
            ]  # fmt: skip

    asyncio.run(story())


def test_a_finished_pod_gives_its_address_back() -> None:
    async def story() -> None:
        server = shop()
        async with world(server) as seen:
            await seen.source.synced(10)
            server.put(pod("a", "10.1.0.1", FINISHED))
            await until(lambda: seen.index.pod("shop", "a") is None)
            assert seen.index.identify("10.1.0.1").kind is not ClientKind.POD

    asyncio.run(story())


CALAMITIES = {
    "cut in a line": Trick.CUT,
    "reset": Trick.RESET,
    "ended": Trick.END,
    "history expired": Trick.EXPIRED,
    "error event": Trick.FAILED,
    "not JSON": Trick.MALFORMED,
    "object of nonsense": Trick.UNREADABLE,
    "unknown type": Trick.STRANGE,
    "said twice": Trick.REPEAT,
}


@pytest.mark.parametrize("trick", list(CALAMITIES.values()), ids=list(CALAMITIES))
@pytest.mark.parametrize("piece", [0, 7], ids=["whole lines", "split anywhere"])
def test_goes_on_after(trick: Trick, piece: int) -> None:
    async def story() -> None:
        server = shop()
        server.piece = piece
        async with world(server) as seen:
            await seen.source.synced(10)
            await until(lambda: len(server.watching) == 5)
            server.strike(trick)
            server.put(service("api", "10.96.0.2"))
            server.remove("Service", "shop", "web")
            await until(lambda: seen.index.service("shop", "api") and not seen.index.service("shop", "web"))
            assert seen.index.namespace("shop") is not None
            assert seen.index.missing() == ()

    asyncio.run(story())


REFUSALS = [
    pytest.param(trick, verb, id=f"{trick.value} to a {verb.value}")
    for trick in (Trick.GONE, Trick.BUSY, Trick.UNAVAILABLE, Trick.BROKEN, Trick.LATE, Trick.CUT, Trick.RESET)
    for verb in Verb
]


@pytest.mark.parametrize(("trick", "verb"), REFUSALS)
def test_asks_again_after(trick: Trick, verb: Verb) -> None:
    async def story() -> None:
        server = shop(*(pod(f"p{n}", f"10.2.{n // 250}.{n % 250}") for n in range(501)))
        server.watch_lists = WatchLists.REFUSED
        server.add(Fault(trick=trick, verb=verb, times=3))
        async with world(server) as seen:
            assert await seen.source.synced(10)
            server.put(service("api", "10.96.0.2"))
            await until(lambda: seen.index.service("shop", "api"))
            await until(lambda: not seen.source.complaints())

    asyncio.run(story())


def test_the_servers_wish_for_a_pause_is_respected() -> None:
    async def story() -> None:
        server = shop()
        server.add(Fault(trick=Trick.BUSY, resource="services", retry_after=30))
        async with world(server) as seen:
            await until(lambda: seen.index.missing() == ("Service",))
            await asyncio.sleep(0.2)
            assert [a.resource for a in server.asked].count("services") == 1
            assert seen.index.missing() == ("Service",)

    asyncio.run(story())


def test_what_vanished_meanwhile_is_removed_and_nothing_else_flickers() -> None:
    async def story() -> None:
        server = shop(pod("b", "10.1.0.2"))
        async with world(server) as seen:
            await seen.source.synced(10)
            kept, moved = seen.index.identify("10.1.0.1"), []
            seen.index.subscribe(moved.append)
            await until(lambda: len(server.watching) == 5)
            await server.stop()
            server.remove("Pod", "shop", "b")
            server.store.compact()
            assert seen.index.identify("10.1.0.2").kind is ClientKind.POD  # the old index goes on serving
            await server.start()
            await until(lambda: seen.index.pod("shop", "b") is None)
            assert seen.index.identify("10.1.0.1") is kept
            assert not any(("ip", "10.1.0.1") in change for change in moved)

    asyncio.run(story())


def test_a_successor_of_the_same_name_stays() -> None:
    async def story() -> None:
        server = shop()
        async with world(server) as seen:
            await seen.source.synced(10)
            old = seen.index.pod("shop", "a")
            server.remove("Pod", "shop", "a")
            server.put(pod("a", "10.1.0.7"))
            await until(lambda: seen.index.identify("10.1.0.7").kind is ClientKind.POD)
            new = seen.index.pod("shop", "a")
            assert old is not None
            assert new is not None
            assert new.uid != old.uid

    asyncio.run(story())


def test_a_bad_object_is_left_out_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    bad = service("bad", "not an address")

    async def story() -> None:
        server = shop(bad)
        async with world(server) as seen:
            assert await seen.source.synced(10)
            for _ in range(3):
                server.put(bad)
            server.put(service("api", "10.96.0.2"))
            await until(lambda: seen.index.service("shop", "api"))
            assert seen.index.service("shop", "bad") is None
            assert seen.counted("dnspolicy_cluster_errors_total", "Service", "bad_object") >= 2

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())
    assert sum("shop/bad is left out" in record.getMessage() for record in caplog.records) == 1


def test_forbidden_is_named_and_tried_again() -> None:
    async def story() -> None:
        server = shop()
        server.access.deny("pods")
        async with world(server) as seen:
            await until(lambda: seen.index.missing() == ("Pod",) and seen.source.complaints())
            assert not await seen.source.synced(0)
            (complaint,) = seen.source.complaints()
            assert complaint.startswith("pods: forbidden: pods is forbidden: User ")
            assert seen.index.waits_for()[0].startswith("Pod (forbidden: pods is forbidden")
            server.access.grant("pods")
            assert await seen.source.synced(10)
            assert seen.source.complaints() == ()
            assert seen.counted("dnspolicy_cluster_errors_total", "Pod", "forbidden") >= 1

    asyncio.run(story())


def test_nodes_may_be_forbidden() -> None:
    async def story() -> None:
        server = shop({"kind": "Node", "metadata": {"name": "n1"}, "status": {}})
        server.access.deny("nodes")
        async with world(server) as seen:
            assert await seen.source.synced(10)
            assert seen.index.node("n1") is None
            server.access.grant("nodes")
            await until(lambda: seen.index.node("n1"))

    asyncio.run(story())


@pytest.mark.parametrize("verb", [Verb.WATCH, Verb.LIST], ids=["watch", "list"])
def test_a_silent_server_is_noticed(verb: Verb) -> None:
    timing = msgspec.structs.replace(QUICK, watch_least=1.0, watch_most=1.0, grace=-0.8, page=0.2)

    async def story() -> None:
        server = shop()
        server.watch_lists = WatchLists.REFUSED
        server.add(Fault(trick=Trick.SILENCE, verb=verb, resource="services", times=2))
        async with world(server, timing) as seen:
            assert await seen.source.synced(10)
            server.put(service("api", "10.96.0.2"))
            await until(lambda: seen.index.service("shop", "api"))
            assert seen.counted("dnspolicy_cluster_errors_total", "Service", "timeout") >= 1

    asyncio.run(story())


def test_silence_after_bookmarks_is_noticed_sooner() -> None:
    timing = msgspec.structs.replace(QUICK, quiet=0.2)

    async def story() -> None:
        server = shop()
        async with world(server, timing) as seen:
            await seen.source.synced(10)
            await until(lambda: len(server.watching) == 5)
            server.bookmark()
            server.strike(Trick.SILENCE)
            server.put(service("api", "10.96.0.2"))
            await until(lambda: seen.index.service("shop", "api"))

    asyncio.run(story())


def test_bookmarks_spare_a_new_list() -> None:
    async def story() -> None:
        server = shop()
        async with world(server) as seen:
            await seen.source.synced(10)
            await until(lambda: len(server.watching) == 5)
            for n in range(20):
                server.put(namespace(f"n{n}"))  # moves the version, of which services hear by bookmarks only
            server.bookmark()
            await asyncio.sleep(0.1)
            server.store.compact()
            server.strike(Trick.END, "services")
            server.put(service("api", "10.96.0.2"))
            await until(lambda: seen.index.service("shop", "api"))
            assert seen.counted("dnspolicy_cluster_lists_total", "Service") == 1

    asyncio.run(story())


def test_a_watch_that_ends_at_once_is_not_asked_for_all_the_time() -> None:
    timing = msgspec.structs.replace(QUICK, pause_first=0.05, pause_most=30.0)

    async def story() -> None:
        server = shop()
        server.watch_lists = WatchLists.REFUSED
        server.add(Fault(trick=Trick.END, verb=Verb.WATCH, resource="services", times=None))
        async with world(server, timing) as seen:
            await seen.source.synced(10)
            await asyncio.sleep(1)
            assert len([a for a in server.asked if a.resource == "services"]) < 10

    asyncio.run(story())


def test_what_is_not_needed_is_not_asked_for() -> None:
    async def story() -> None:
        server = shop()
        async with world(server, kinds=(Kind.NAMESPACE, Kind.SERVICE)) as seen:
            assert await seen.source.synced(10)
            assert {a.resource for a in server.asked} == {"namespaces", "services"}

    asyncio.run(story())


def test_a_storm_comes_to_few_changes() -> None:
    async def story() -> None:
        server = shop()
        async with world(server) as seen:
            await seen.source.synced(10)
            changes: list[object] = []
            seen.index.subscribe(changes.append)
            for n in range(500):
                server.put(pod(f"p{n}", f"10.2.{n // 250}.{n % 250}"))
            await until(lambda: seen.index.pod("shop", "p499"))
            assert len(changes) <= 100

    asyncio.run(story())


def test_how_long_a_change_took_is_measured() -> None:
    trigger = {"endpoints.kubernetes.io/last-change-trigger-time": "2020-01-01T00:00:00Z"}

    async def story() -> None:
        server = shop(endpoints("web-1", "10.1.0.1", **trigger))
        async with world(server) as seen:
            await seen.source.synced(10)
            await until(lambda: len(server.watching) == 5)
            name = "coredns_kubernetes_dns_programming_duration_seconds"
            assert seen.counted(name, "cluster_ip") is None
            server.put(endpoints("web-1", "10.1.0.1", "10.1.0.2", **trigger))
            await until(lambda: seen.counted(name, "cluster_ip"))

    asyncio.run(story())


def test_requests_are_counted_as_coredns_does() -> None:
    async def story() -> None:
        server = shop()
        server.access.deny("nodes")
        async with world(server) as seen:
            await seen.source.synced(10)
            host = server.url.removeprefix("http://")
            assert seen.counted("coredns_kubernetes_rest_client_requests_total", "200", "GET", host) >= 4
            assert seen.counted("coredns_kubernetes_rest_client_requests_total", "403", "GET", host) >= 1
            assert seen.counted("coredns_kubernetes_rest_client_request_duration_seconds", "GET", host)
            assert seen.counted("dnspolicy_cluster_age_seconds", "Service") < 60

    asyncio.run(story())


def test_it_can_be_stopped_and_started_again() -> None:
    async def story() -> None:
        server = shop()
        async with world(server) as seen:
            await seen.source.synced(10)
            await seen.source.stop()
            server.remove("Service", "shop", "web")
            await seen.source.start()
            await until(lambda: seen.index.service("shop", "web") is None)

    asyncio.run(story())


def test_nobody_is_there() -> None:
    async def story(seen: World) -> None:
        await until(lambda: len(seen.source.complaints()) == 5)
        assert not await seen.source.synced(0)
        assert len(seen.index.missing()) == 5
        assert all("unreachable: 127.0.0.1" in complaint for complaint in seen.source.complaints())

    async def alone() -> None:
        server = shop()
        async with world(server, start=False) as seen:
            await server.stop()
            await seen.source.start()
            await story(seen)

    asyncio.run(alone())
