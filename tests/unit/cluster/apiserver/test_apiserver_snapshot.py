"""What is known outlives the process, or is refused."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from pathlib import Path

import msgspec
import pytest
from apiserver_help import QUICK, namespace, pod, service, until, world

from dnspolicy.cluster.apiserver.snapshot import BadSnapshot, Snapshot, read, write
from dnspolicy.cluster.objects import (
    Endpoint,
    EndpointSlice,
    Kind,
    Namespace,
    Node,
    Object,
    Pod,
    Port,
    Service,
    ServiceKind,
)
from dnspolicy.model.identity import ClientKind, Owner
from dnspolicy.testing.apiserver import FakeApiServer

OBJECTS: tuple[Object, ...] = (
    Namespace("shop", {"team": "retail"}),
    Namespace("bare"),
    Node("n1", ("10.0.0.1",), {"a": "b"}, "z1", ("10.1.0.0/24",)),
    Service("shop", "web", ServiceKind.CLUSTER_IP, ("10.96.0.1",), (Port("http", "tcp", 80),), labels={"x": "y"}),
    EndpointSlice("shop", "web-1", "web", (Endpoint("10.1.0.1", hostname="a"),), (Port("http", "tcp", 80),)),
    Pod("shop", "a", "uid", ("10.1.0.1",), labels={"app": "web"}, node="n1", owner=Owner("Deployment", "web")),
)
WHOLE = Snapshot("in-cluster", 1000.5, tuple(Kind), OBJECTS)


def test_there_and_back(tmp_path: Path) -> None:
    file = tmp_path / "snapshot"
    write(file, WHOLE)
    found = read(file, "in-cluster")
    assert found is not None
    assert (found.objects, found.saved, found.kinds) == (OBJECTS, 1000.5, tuple(Kind))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_nothing_there(tmp_path: Path) -> None:
    assert read(tmp_path / "snapshot", "in-cluster") is None


def test_every_half_of_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "snapshot"
    write(file, WHOLE)
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(BadSnapshot):
            read(file, "in-cluster")


DAMAGE = {
    "other address": (b"10.96.0.1", b"10.96.0.2"),
    "other version": (b'"version":1', b'"version":2'),
    "other program": (b"dnspolicy cluster", b"something else"),
    "other cluster": (b"in-cluster", b"in-anothe!"),
    "no text": (b"shop", b"\xff\xfe\x00\x01"),
}


@pytest.mark.parametrize(("old", "new"), list(DAMAGE.values()), ids=list(DAMAGE))
def test_damage_is_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    file = tmp_path / "snapshot"
    write(file, WHOLE)
    file.write_bytes(file.read_bytes().replace(old, new, 1))
    with pytest.raises(BadSnapshot):
        read(file, "in-cluster")


@pytest.mark.parametrize("kind", ["folder", "pipe", "for anybody"])
def test_what_is_no_file_of_its_own_is_refused(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "snapshot"
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        write(file, WHOLE)
        file.chmod(0o666)
    with pytest.raises(BadSnapshot):
        read(file, "in-cluster")


@pytest.mark.parametrize("kind", ["link", "open file", "pipe"])
def test_what_lies_in_its_way_is_not_written_to(tmp_path: Path, kind: str) -> None:
    """Somebody who may write to the folder must not choose where the cluster goes, nor who reads it."""
    file, other = tmp_path / "snapshot", tmp_path / "other"
    other.write_text("precious")
    partial = tmp_path / ".snapshot.partial"
    if kind == "link":
        partial.symlink_to(other)
    elif kind == "pipe":
        os.mkfifo(partial)
    else:
        partial.touch(0o666)
    write(file, WHOLE)
    assert other.read_text() == "precious"
    assert not file.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read(file, "in-cluster") is not None


def shop() -> FakeApiServer:
    server = FakeApiServer()
    for item in (namespace("shop"), service("web"), service("old"), pod("a", "10.1.0.1", app="web")):
        server.put(item)
    return server


def test_a_restart_without_api_serves_the_last_known_cluster(tmp_path: Path) -> None:
    async def story() -> None:
        server, file = shop(), tmp_path / "snapshot"
        async with world(server, snapshot=file) as seen:
            await seen.source.synced(10)
            await until(file.exists)
        async with world(server, start=False, snapshot=file) as seen:
            await server.stop()
            await seen.source.start()
            assert await seen.source.synced(0)
            assert seen.index.service("shop", "old") is not None
            assert seen.index.identify("10.1.0.1").kind is ClientKind.POD
            assert seen.index.identify("192.0.2.1").kind is ClientKind.EXTERNAL

            server.remove("Service", "shop", "old")
            await server.start()
            await until(lambda: seen.index.service("shop", "old") is None)
            assert seen.index.identify("10.1.0.1").kind is ClientKind.POD

    asyncio.run(story())


def test_a_stop_writes_what_is_not_written(tmp_path: Path) -> None:
    slow = msgspec.structs.replace(QUICK, settle=60.0)

    async def story() -> None:
        async with world(shop(), slow, snapshot=tmp_path / "snapshot") as seen:
            await seen.source.synced(10)
            assert not (tmp_path / "snapshot").exists()

    asyncio.run(story())
    assert (tmp_path / "snapshot").exists()


def test_what_is_not_complete_is_not_written(tmp_path: Path) -> None:
    async def story() -> None:
        server = shop()
        server.access.deny("pods")
        async with world(server, snapshot=tmp_path / "snapshot") as seen:
            await until(lambda: seen.index.missing() == ("Pod",))
            await asyncio.sleep(0.1)

    asyncio.run(story())
    assert not (tmp_path / "snapshot").exists()


def test_a_foreign_file_is_said_and_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "snapshot"
    file.write_text("hello\n")

    async def story() -> None:
        async with world(shop(), snapshot=file) as seen:
            assert await seen.source.synced(10)

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())
    assert f"snapshot {file} is not used: no snapshot of this server" in caplog.messages


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "none" / "snapshot"

    async def story() -> None:
        async with world(shop(), snapshot=file) as seen:
            assert await seen.source.synced(10)
            await until(lambda: caplog.messages)

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())
    assert any("cannot be written: No such file" in message for message in caplog.messages)
