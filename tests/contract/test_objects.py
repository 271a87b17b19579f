"""Objects of any kind, out of a folder, from a fake API server and from a real one."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.apiserver.options import Connect, Options
from dnspolicy.cluster.apiserver.source import ApiServer
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.manifests import Manifests
from dnspolicy.cluster.source import ClusterSource
from dnspolicy.cluster.things import Collection, Wanted, encode
from dnspolicy.testing.apiserver import FakeApiServer, Fault, Trick, Verb, WatchLists, in_thread
from dnspolicy.testing.apiserver.resources import Manifest, Resource
from tests.contract.clusters import LIMITED, Cluster, Fake, Real, fresh_namespace, namespace
from tests.contract.following import QUICK, _kubeconfig
from tests.real.cluster import PROGRAMS

PATIENCE = 30.0
LOG = logging.getLogger("tests.objects")
RBAC = "rbac.authorization.k8s.io"
_REAL = pytest.mark.real(*PROGRAMS)


class World(Protocol):
    """Something objects can be put into, and a source that should see them."""

    def put(self, item: Manifest) -> object: ...

    def remove(self, kind: str, space: str, name: str) -> object: ...

    def source(self) -> ClusterSource: ...


class Folder:
    """Manifests, a file for each object."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, item: Manifest) -> None:
        meta = item["metadata"]
        text = json.dumps({"apiVersion": "v1", **item})
        self._file(item["kind"], meta.get("namespace", ""), meta["name"]).write_text(text)

    def remove(self, kind: str, space: str, name: str) -> None:
        self._file(kind, space, name).unlink()

    def source(self) -> ClusterSource:
        clock, metrics = SystemClock(), Metrics()
        made = Manifests(self._path, Index(clock, metrics), clock, metrics, LOG)
        made.load()
        return made

    def _file(self, kind: str, space: str, name: str) -> Path:
        return self._path / f"{kind}.{space}.{name}.json"


class Served:
    """An API server."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.put, self.remove = cluster.put, cluster.remove

    def source(self, connect: Connect | None = None) -> ApiServer:
        options = Options(connect=connect or self.cluster.owner, kinds=())
        return ApiServer(options, clock=SystemClock(), metrics=Metrics(), log=LOG, timing=QUICK)


def servers() -> Iterator[Any]:
    for how in (WatchLists.SERVED, WatchLists.REFUSED):
        yield pytest.param(how.value, id=f"fake, streams {how}")
    yield pytest.param("real", marks=_REAL)


@pytest.fixture(params=servers())
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if request.param == "real":
        yield Real(request.getfixturevalue("real_cluster"))
        return
    server = FakeApiServer()
    server.watch_lists = WatchLists(request.param)
    with in_thread(server) as threaded:
        made = Fake(threaded)
        server.access.anybody = True
        yield made


@pytest.fixture
def served(cluster: Cluster) -> Served:
    return Served(cluster)


@pytest.fixture(params=[pytest.param("folder", id="manifests"), *servers()])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "folder":
        folder = tmp_path / "manifests"
        folder.mkdir()
        yield Folder(folder)
        return
    if request.param == "real":
        yield Served(Real(request.getfixturevalue("real_cluster")))
        return
    server = FakeApiServer()
    server.watch_lists = WatchLists(request.param)
    with in_thread(server) as threaded:
        made = Fake(threaded)
        server.access.anybody = True
        yield Served(made)


@pytest.fixture
def space(world: World) -> str:
    name = fresh_namespace()
    world.put(namespace(name))
    return name


class Seen:
    """A collection, and how to wait for what it should hold."""

    def __init__(self, wanted: Wanted) -> None:
        self._moved = asyncio.Event()
        self.changes = 0
        self.collection = Collection(wanted, self._note, SystemClock())

    def _note(self) -> None:
        self.changes += 1
        self._moved.set()

    @property
    def document(self) -> Any:
        held = {key: thing for key, thing in self.collection.copied().items() if not key[1].startswith("system:")}
        return json.loads(encode(held, self.collection.namespaced))

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self._moved.clear()
                await self._moved.wait()

    async def becomes(self, document: Any, space: str = "") -> None:
        """Wait until this is what is there, in one namespace if one is given."""

        def holds() -> bool:
            found = self.document.get(space, {}) if space else self.document
            return self.collection.complete and found == document

        try:
            await self.until(holds)
        except TimeoutError:
            raise AssertionError(f"{self.document}, {self.collection.problem}") from None


@asynccontextmanager
async def seeing(source: ClusterSource, wanted: Wanted) -> Any:
    seen = Seen(wanted)
    await source.start()
    follower = source.follow(seen.collection)
    try:
        yield seen
    finally:
        await follower.end()
        await source.stop()
        await asyncio.sleep(0.1)  # TLS says goodbye after a connection was closed


def configmap(space: str, name: str, labels: dict[str, str] | None = None, **data: str) -> Manifest:
    meta = {"name": name, "namespace": space, "labels": labels or {}}
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta, "data": data}


def role(space: str, name: str, *verbs: str) -> Manifest:
    rules = [{"apiGroups": [""], "resources": ["services"], "verbs": list(verbs)}]
    meta = {"name": name, "namespace": space}
    return {"kind": "Role", "apiVersion": f"{RBAC}/v1", "metadata": meta, "rules": rules}


def cluster_role(name: str, *verbs: str) -> Manifest:
    return {**role("", name, *verbs), "kind": "ClusterRole", "metadata": {"name": name}}


def test_the_fields_that_are_asked_for_and_no_other(world: World, space: str) -> None:
    world.put(configmap(space, "one", {"app": "web"}, a="1", b="2"))

    async def story() -> None:
        async with seeing(world.source(), Wanted(resource="configmaps", fields=("data.a", "metadata.labels"))) as seen:
            await seen.becomes({"one": {"data": {"a": "1"}, "metadata": {"labels": {"app": "web"}}}}, space)

    asyncio.run(story())


def test_changes_are_followed(world: World, space: str) -> None:
    world.put(configmap(space, "one", a="1"))
    world.put(configmap(space, "two", a="1"))

    async def story() -> None:
        async with seeing(world.source(), Wanted(resource="configmaps", fields=("data",))) as seen:
            await seen.becomes({"one": {"data": {"a": "1"}}, "two": {"data": {"a": "1"}}}, space)
            await asyncio.to_thread(world.put, configmap(space, "one", a="2"))
            await asyncio.to_thread(world.remove, "ConfigMap", space, "two")
            await asyncio.to_thread(world.put, configmap(space, "three", c="3"))
            await seen.becomes({"one": {"data": {"a": "2"}}, "three": {"data": {"c": "3"}}}, space)

    asyncio.run(story())


def test_objects_of_other_groups_and_steps_into_lists(world: World, space: str) -> None:
    world.put(role(space, "reader", "get", "list"))

    async def story() -> None:
        async with seeing(world.source(), Wanted(resource="roles", group=RBAC, fields=("rules.verbs",))) as seen:
            await seen.becomes({"reader": {"rules": [{"verbs": ["get", "list"]}]}}, space)

    asyncio.run(story())


def test_objects_without_namespaces(world: World, space: str) -> None:
    world.put(cluster_role(space, "get"))

    async def story() -> None:
        async with seeing(world.source(), Wanted(resource="clusterroles", group=RBAC, fields=("rules.verbs",))) as seen:
            await seen.becomes({"rules": [{"verbs": ["get"]}]}, space)

    try:
        asyncio.run(story())
    finally:
        world.remove("ClusterRole", "", space)


def test_without_fields_they_are_just_there(world: World, space: str) -> None:
    world.put(configmap(space, "one", a="1"))

    async def story() -> None:
        async with seeing(world.source(), Wanted(resource="configmaps")) as seen:
            await seen.becomes({"one": {}}, space)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("selector", "found"),
    [("app=web", ["one"]), ("app!=web", ["two"]), ("app in (web,api)", ["one", "two"]), ("!app", [])],
)
def test_a_selector(world: World, space: str, selector: str, found: list[str]) -> None:
    world.put(configmap(space, "one", {"app": "web"}))
    world.put(configmap(space, "two", {"app": "api"}))

    async def story() -> None:
        wanted = Wanted(resource="configmaps", namespace=space, selector=selector)
        async with seeing(world.source(), wanted) as seen:
            await seen.becomes({space: {name: {} for name in found}} if found else {})

    asyncio.run(story())


def test_one_object_comes_goes_and_comes_back(world: World, space: str) -> None:
    world.put(configmap(space, "other", a="1"))

    async def story() -> None:
        wanted = Wanted(resource="configmaps", namespace=space, name="mine", fields=("data",))
        async with seeing(world.source(), wanted) as seen:
            await seen.becomes({})
            await asyncio.to_thread(world.put, configmap(space, "mine", a="1"))
            await seen.becomes({space: {"mine": {"data": {"a": "1"}}}})
            await asyncio.to_thread(world.remove, "ConfigMap", space, "mine")
            await seen.becomes({})

    asyncio.run(story())


def test_what_is_too_much_is_let_go_and_said(world: World, space: str) -> None:
    world.put(configmap(space, "one", a="x" * 1_000))

    async def story() -> None:
        wanted = Wanted(resource="configmaps", namespace=space, fields=("data",), limit=500)
        async with seeing(world.source(), wanted) as seen:
            await seen.until(lambda: "more than 500 bytes" in seen.collection.problem)
            assert (len(seen.collection), seen.collection.complete) == (0, False)
            await asyncio.to_thread(world.put, configmap(space, "one", a="x"))
            await seen.becomes({space: {"one": {"data": {"a": "x"}}}})
            await seen.until(lambda: not seen.collection.problem)

    asyncio.run(story())


def limited(cluster: Cluster, folder: Path) -> Connect:
    file = folder / "kubeconfig"
    file.write_text(json.dumps(_kubeconfig(cluster, LIMITED)))
    return Connect(kubeconfig=file)


def test_who_may_not_see_them_is_told_what_is_missing(served: Served, tmp_path: Path) -> None:
    served.cluster.grant("pods")

    async def story() -> None:
        source = served.source(limited(served.cluster, tmp_path))
        async with seeing(source, Wanted(resource="roles", group=RBAC, fields=("rules",))) as seen:
            await seen.until(lambda: "forbidden" in seen.collection.problem)
            assert f'"roles" in API group "{RBAC}"' in seen.collection.problem
            assert not seen.collection.complete
            assert any("forbidden" in line for line in source.complaints())

    asyncio.run(story())


@pytest.mark.parametrize(
    ("resource", "group", "problem"),
    [("gadgets", "", "no resource gadgets"), ("gadgets", "example.org", "no API group example.org")],
)
def test_what_is_not_served_is_said(served: Served, resource: str, group: str, problem: str) -> None:
    async def story() -> None:
        async with seeing(served.source(), Wanted(resource=resource, group=group)) as seen:
            await seen.until(lambda: problem in seen.collection.problem)

    asyncio.run(story())


def test_an_api_server_that_was_away(served: Served) -> None:
    space = fresh_namespace()
    served.put(namespace(space))
    served.put(configmap(space, "one", a="1"))

    async def story() -> None:
        async with seeing(served.source(), Wanted(resource="configmaps", namespace=space, fields=("data",))) as seen:
            await seen.becomes({space: {"one": {"data": {"a": "1"}}}})
            await asyncio.to_thread(served.cluster.crash)
            await seen.until(lambda: seen.collection.problem)
            assert seen.document == {space: {"one": {"data": {"a": "1"}}}}
            await asyncio.to_thread(served.cluster.come_back)
            await asyncio.to_thread(served.put, configmap(space, "one", a="2"))
            await seen.becomes({space: {"one": {"data": {"a": "2"}}}})
            await seen.until(lambda: not seen.collection.problem)

    asyncio.run(story())


@pytest.fixture
def fake() -> Iterator[Served]:
    with in_thread(FakeApiServer()) as threaded:
        yield Served(Fake(threaded, open_to_all=True))


def usage(space: str, name: str, cpu: str) -> Manifest:
    meta = {"name": name, "namespace": space}
    containers = [{"name": "main", "usage": {"cpu": cpu}}]
    return {"kind": "PodMetrics", "metadata": meta, "containers": containers}


def test_what_cannot_be_watched_is_listed_again_and_again(fake: Served) -> None:
    fake.put(usage("shop", "web", "1m"))

    async def story() -> None:
        wanted = Wanted(resource="pods", group="metrics.k8s.io", fields=("containers.usage",), every=0.05)
        async with seeing(fake.source(), wanted) as seen:
            await seen.becomes({"shop": {"web": {"containers": [{"usage": {"cpu": "1m"}}]}}})
            fake.put(usage("shop", "web", "2m"))
            await seen.becomes({"shop": {"web": {"containers": [{"usage": {"cpu": "2m"}}]}}})

    asyncio.run(story())
    assert isinstance(fake.cluster, Fake)
    assert {asked.verb for asked in fake.cluster.server.asked} == {Verb.LIST}


GADGETS = Resource("gadgets", "Gadget", "example.org/v1beta1", True)


def test_a_resource_may_come_later_and_move(fake: Served) -> None:
    """As with the definition of a custom resource that is installed, and later served in another version only."""
    assert isinstance(fake.cluster, Fake)
    server = fake.cluster.server

    def gadget(size: int) -> Manifest:
        return {"kind": "Gadget", "metadata": {"name": "g", "namespace": "shop"}, "spec": {"size": size}}

    async def story() -> None:
        async with seeing(
            fake.source(), Wanted(resource="gadgets", group="example.org", fields=("spec.size",))
        ) as seen:
            await seen.until(lambda: seen.collection.problem)
            server.serve(GADGETS)
            server.put(gadget(1))
            await seen.becomes({"shop": {"g": {"spec": {"size": 1}}}})
            server.serve(Resource("gadgets", "Gadget", "example.org/v1", True))
            server.put(gadget(2))
            server.strike(Trick.END)
            await seen.becomes({"shop": {"g": {"spec": {"size": 2}}}})

    asyncio.run(story())


@pytest.mark.parametrize(
    "trick", [Trick.EXPIRED, Trick.CUT, Trick.MALFORMED, Trick.STRANGE, Trick.REPEAT, Trick.FAILED]
)
def test_watches_that_go_wrong(fake: Served, trick: Trick) -> None:
    assert isinstance(fake.cluster, Fake)
    server = fake.cluster.server
    fake.put(configmap("shop", "one", a="1"))

    async def story() -> None:
        async with seeing(fake.source(), Wanted(resource="configmaps", fields=("data",))) as seen:
            await seen.becomes({"shop": {"one": {"data": {"a": "1"}}}})
            server.strike(trick)
            fake.put(configmap("shop", "one", a="2"))
            await seen.becomes({"shop": {"one": {"data": {"a": "2"}}}})

    asyncio.run(story())


def test_an_object_that_cannot_be_read_is_left_out(fake: Served) -> None:
    fake.put(configmap("shop", "one", a="1"))
    bad = configmap("shop", "bad")
    bad["metadata"]["name"] = "Not A Name"
    fake.put(bad)

    async def story() -> None:
        async with seeing(fake.source(), Wanted(resource="configmaps", fields=("data",))) as seen:
            await seen.becomes({"shop": {"one": {"data": {"a": "1"}}}})

    asyncio.run(story())


def test_a_source_that_is_stopped_and_started_goes_on(fake: Served) -> None:
    fake.put(configmap("shop", "one", a="1"))

    async def story() -> None:
        source = fake.source()
        async with seeing(source, Wanted(resource="configmaps", fields=("data",))) as seen:
            await seen.becomes({"shop": {"one": {"data": {"a": "1"}}}})
            await source.stop()
            fake.put(configmap("shop", "one", a="2"))
            await source.start()
            await seen.becomes({"shop": {"one": {"data": {"a": "2"}}}})

    asyncio.run(story())


def test_busy_servers_are_asked_again(fake: Served) -> None:
    assert isinstance(fake.cluster, Fake)
    fake.put(configmap("shop", "one", a="1"))
    fake.cluster.server.add(Fault(trick=Trick.BUSY, times=2))

    async def story() -> None:
        async with seeing(fake.source(), Wanted(resource="configmaps", fields=("data",))) as seen:
            await seen.becomes({"shop": {"one": {"data": {"a": "1"}}}})

    asyncio.run(story())
