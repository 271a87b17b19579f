"""A folder of manifests: what is read, when it is read again, and what a broken file does."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.index import SYNC, Index
from dnspolicy.cluster.manifests import Manifests
from dnspolicy.model.answer import Dependencies, Rests
from dnspolicy.model.errors import ManifestError
from dnspolicy.testing.clock import FakeClock

WEB = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.1}
"""
DB = WEB.replace("web", "db").replace("10.96.0.1", "10.96.0.2")
BROKEN = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  clusterIP: 10.96.0.1
  ports:
  - port: http
"""


class Room:
    """A folder, a source and an index together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metrics = Metrics()
        self.clock = FakeClock()
        self.index = Index(self.clock, self.metrics)
        self.source = Manifests(folder, self.index, self.clock, self.metrics, logging.getLogger("manifests-test"))

    def write(self, name: str, text: str | bytes) -> Path:
        """Replace a file at once, as editors do."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".tmp")
        fresh.write_bytes(text if isinstance(text, bytes) else text.encode())
        fresh.replace(path)
        return path

    def settle(self) -> None:
        self.source.poll()
        self.source.poll()

    def address(self, name: str) -> str | None:
        service = self.index.service("shop", name)
        return None if service is None else "".join(service.addresses)

    def value(self, metric: str, *labels: str) -> object:
        return next(m for m in self.metrics.collect() if m.name == metric).values[labels]  # type: ignore[attr-defined]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("a.yaml", WEB, id="yaml"),
        pytest.param("a.yml", WEB, id="yml"),
        pytest.param("deep/er/a.yaml", WEB, id="sub-folder"),
        pytest.param("a.yaml", "---\n# nothing\n---\n" + WEB + "---\n", id="empty documents"),
        pytest.param("a.yaml", "\ufeff" + WEB, id="byte order mark"),
        pytest.param("a.yaml", DB + "---\n" + WEB, id="several documents"),
        pytest.param("a.yaml", "apiVersion: v1\nkind: List\nitems:\n- " + WEB.replace("\n", "\n  "), id="list"),
        pytest.param(
            "a.json",
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "ServiceList",
                    "items": [{"metadata": {"name": "web", "namespace": "shop"}, "spec": {"clusterIP": "10.96.0.1"}}],
                }
            ),
            id="json",
        ),
    ],
)
def test_it_reads(room: Room, name: str, text: str) -> None:
    room.write(name, text)
    room.source.load()

    assert room.address("web") == "10.96.0.1"
    assert room.source.complaints() == ()
    assert room.index.missing() == ()


@pytest.mark.parametrize("name", ["a.txt", ".a.yaml", ".hidden/a.yaml", "a.yaml~", "..data/a.yaml"])
def test_it_passes_over(room: Room, name: str) -> None:
    (room.folder / name).parent.mkdir(exist_ok=True)
    (room.folder / name).write_text(WEB)
    room.source.load()

    assert room.address("web") is None
    assert room.source.complaints() == ()


def test_a_mounted_config_map(room: Room) -> None:
    """The kubelet lays files out as links through a hidden folder and swaps that."""
    for revision, address in (("..1", "10.96.0.1"), ("..2", "10.96.0.9")):
        (room.folder / revision).mkdir()
        (room.folder / revision / "web.yaml").write_text(WEB.replace("10.96.0.1", address))
    (room.folder / "..data").symlink_to("..1")
    (room.folder / "web.yaml").symlink_to("..data/web.yaml")
    room.source.load()
    assert room.address("web") == "10.96.0.1"

    (room.folder / "..new").symlink_to("..2")
    (room.folder / "..new").replace(room.folder / "..data")
    room.settle()
    assert room.address("web") == "10.96.0.9"


def test_one_change_is_one_announcement(room: Room) -> None:
    room.write("web.yaml", WEB)
    room.write("db.yaml", DB)
    room.write("gone.yaml", WEB.replace("web", "gone"))
    room.source.load()
    heard: list[Dependencies] = []
    room.index.subscribe(heard.append)
    room.clock.advance(10)
    room.write("web.yaml", WEB.replace("10.96.0.1", "10.96.0.9"))
    room.write("new.yaml", WEB.replace("web", "new"))
    (room.folder / "gone.yaml").unlink()
    room.settle()

    assert len(heard) == 1
    assert {key for kind, key in heard[0] if kind is Rests.SERVICE} == {"shop/web", "shop/new", "shop/gone"}
    assert (room.address("web"), room.address("new"), room.address("gone")) == ("10.96.0.9", "10.96.0.1", None)
    assert room.address("db") == "10.96.0.2"


def test_nothing_is_announced_when_nothing_changed(room: Room) -> None:
    path = room.write("web.yaml", WEB)
    room.source.load()
    heard: list[Dependencies] = []
    room.index.subscribe(heard.append)
    room.settle()
    os.utime(path, ns=(1, 1))
    room.settle()

    assert heard == []


def test_a_file_is_read_once_it_holds_still(room: Room) -> None:
    """Somebody writes a file in two goes: the half is never served."""
    room.write("a.yaml", WEB + "---\n" + DB)
    room.source.load()
    (room.folder / "a.yaml").write_text(WEB)
    room.source.poll()
    assert room.address("db") == "10.96.0.2"
    (room.folder / "a.yaml").write_text(WEB + "---\n" + DB.replace("10.96.0.2", "10.96.0.7"))
    room.source.poll()
    assert room.address("db") == "10.96.0.2"
    room.source.poll()
    assert room.address("db") == "10.96.0.7"


def test_a_file_that_never_holds_still_is_read_all_the_same(room: Room) -> None:
    room.source.load()
    for number in range(20):
        room.write("a.yaml", WEB + "#" * number)
        room.source.poll()

    assert room.address("web") == "10.96.0.1"


def test_a_file_seen_for_a_moment_leaves_nothing(room: Room) -> None:
    room.source.load()
    path = room.write("a.yaml", WEB)
    room.source.poll()
    path.unlink()
    room.settle()
    room.write("a.yaml", WEB)
    room.source.poll()
    assert room.address("web") is None
    room.source.poll()
    assert room.address("web") == "10.96.0.1"


MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 20))
"""Each line nine times as large as the one before."""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(BROKEN, "a.yaml:7: spec.ports[0].port: expected `int`, got `str`", id="field"),
        pytest.param(DB + "---\n" + BROKEN, "a.yaml:12: spec.ports[0].port:", id="second document"),
        pytest.param(WEB + "x: [\n", "a.yaml:6: not YAML:", id="yaml"),
        pytest.param(WEB.replace("Service", "&a [*a]"), "a.yaml:2: kind: expected `str`", id="recursive"),
        pytest.param("just words\n", "a.yaml:1: expected `object`, got `str`", id="text"),
        pytest.param("a: 1\n", "a.yaml:1: expected a Kubernetes object with apiVersion and kind", id="other yaml"),
        pytest.param("\tx: 1\n", "a.yaml:1: not YAML:", id="tab"),
        pytest.param(b"a: \x00", "a.yaml: not YAML:", id="NUL"),
        pytest.param(b"\xff\xfe\xfd", "a.yaml: not YAML:", id="bytes"),
        pytest.param("!!int x", "a.yaml:1: not YAML: a value does not fit its tag", id="tag"),
        pytest.param("!!python/name:os.system ''", "a.yaml:1: not YAML: could not determine", id="code"),
        pytest.param(MERGES, "a.yaml:6: not YAML: `<<` merges too much", id="merges of merges"),
        pytest.param("[" * 100_000, "a.yaml: nested more than", id="brackets"),
        pytest.param("- " * 100_000, "a.yaml: nested more than", id="dashes"),
    ],
)
def test_a_broken_file_keeps_its_last_good_content(
    room: Room, caplog: pytest.LogCaptureFixture, text: str | bytes, complaint: str
) -> None:
    room.write("a.yaml", WEB)
    room.write("b.yaml", DB)
    room.source.load()
    assert room.value("dnspolicy_manifest_errors") == 0
    read_well = room.value("dnspolicy_manifest_last_success_seconds")
    room.clock.advance(60)
    room.write("a.yaml", text)
    room.write("b.yaml", DB.replace("10.96.0.2", "10.96.0.7"))
    for _ in range(4):
        room.settle()

    (found,) = room.source.complaints()
    assert found.startswith(f"{room.folder}/{complaint}")
    assert [r.message for r in caplog.records] == [f"manifests: {found}"]
    assert (room.address("web"), room.address("db")) == ("10.96.0.1", "10.96.0.7")
    assert room.value("dnspolicy_manifest_errors") == 1
    assert room.value("dnspolicy_manifest_last_success_seconds") == read_well

    room.write("a.yaml", WEB.replace("10.96.0.1", "10.96.0.8"))
    room.settle()
    assert room.address("web") == "10.96.0.8"
    assert room.source.complaints() == ()
    assert room.value("dnspolicy_manifest_errors") == 0
    assert room.value("dnspolicy_manifest_last_success_seconds") == room.clock.wall()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param('{"apiVersion": "v1",\n"kind": 7}', "a.json:2: kind: expected `str`, got `int`", id="field"),
        pytest.param('{"apiVersion": "v1",\n,}', "a.json:2: not JSON:", id="syntax"),
        pytest.param('{"apiVersion": "v1",\n"kind":\n', "a.json:3: not JSON:", id="cut off"),
        pytest.param("", "a.json:1: not JSON:", id="empty"),
        pytest.param('{"kind": 5, "x": ' + "[" * 100_000, "a.json:1: ", id="brackets"),
    ],
)
def test_broken_json(room: Room, text: str, complaint: str) -> None:
    room.write("a.json", text)
    room.source.load()

    (found,) = room.source.complaints()
    assert found.startswith(f"{room.folder}/{complaint}")


def test_every_complaint_of_a_file_is_said(room: Room) -> None:
    room.write("a.yaml", BROKEN + "---\n" + BROKEN)
    room.write("b.yaml", "x")
    room.source.load()

    where = [text.removeprefix(f"{room.folder}/").partition(": ")[0] for text in room.source.complaints()]
    assert where == ["a.yaml:7", "a.yaml:15", "b.yaml:1"]
    assert room.value("dnspolicy_manifest_errors") == 2
    assert room.index.missing() == ()


def test_names_of_files_cannot_forge_log_lines(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    room.write("a\n\x1b[31mERROR.yaml", "x")
    room.source.load()

    assert "\\n\\x1b[31mERROR.yaml:1:" in caplog.text
    assert "\x1b" not in caplog.text


def test_an_object_in_two_files_is_taken_from_the_last(room: Room) -> None:
    room.write("b.yaml", WEB.replace("10.96.0.1", "10.96.0.2"))
    room.write("a.yaml", WEB)
    room.source.load()
    assert room.address("web") == "10.96.0.2"
    (complaint,) = room.source.complaints()
    assert complaint == (f"{room.folder}/b.yaml: Service shop/web also stands in {room.folder}/a.yaml; this one counts")
    assert room.value("dnspolicy_manifest_errors") == 0

    (room.folder / "b.yaml").unlink()
    room.settle()
    assert room.address("web") == "10.96.0.1"
    assert room.source.complaints() == ()


def test_a_pod_in_a_later_file_with_another_uid(room: Room) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: db-0, namespace: shop, uid: U}\nstatus: {podIP: 10.1.0.1}\n"
    room.write("a.yaml", pod.replace("U", "u1"))
    room.source.load()
    room.write("a.yaml", pod.replace("U", "u2"))
    room.settle()

    assert room.index.identify("10.1.0.1").uid == "u2"


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_folder_that_is_none(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "cluster"
    if kind == "file":
        folder.write_text(WEB)
    room = Room(folder)
    with pytest.raises(ManifestError, match=r"cluster: cannot be read: N"):
        room.source.load()

    assert room.index.missing()


def test_a_folder_that_vanishes_leaves_the_cluster_as_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "cluster"
    folder.mkdir()
    room = Room(folder)
    room.write("a.yaml", WEB)
    room.source.load()
    folder.rename(tmp_path / "elsewhere")
    for _ in range(4):
        room.settle()
    assert room.address("web") == "10.96.0.1"
    assert room.value("dnspolicy_manifest_errors") == 1
    assert len(caplog.records) == 1

    (tmp_path / "elsewhere").rename(folder)
    room.settle()
    assert room.source.complaints() == ()


def test_special_files_are_not_opened(room: Room) -> None:
    os.mkfifo(room.folder / "a.yaml")
    room.source.load()

    assert room.source.complaints() == ()


def test_an_empty_folder_is_a_whole_cluster(room: Room) -> None:
    heard: list[Dependencies] = []
    room.index.subscribe(heard.append)
    room.source.load()

    assert room.index.missing() == ()
    assert SYNC in heard[0]


def test_objects_are_counted(room: Room) -> None:
    room.write("a.yaml", WEB + "---\n" + DB)
    room.source.load()

    assert room.value("dnspolicy_cluster_objects", "Service") == 2
    assert room.value("dnspolicy_cluster_objects", "Pod") == 0


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def test_once_started_it_sees_changes_by_itself(room: Room) -> None:
    async def run() -> None:
        room.source.load()
        await room.source.start()
        room.write("a.yaml", WEB)
        await until(lambda: room.address("web") == "10.96.0.1")
        room.write("a.yaml", "x")
        await until(lambda: bool(room.source.complaints()))
        assert room.address("web") == "10.96.0.1"
        await room.source.stop()
        await room.source.stop()

    asyncio.run(run())


def test_a_failing_listener_does_not_end_the_watch(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    def fail(moved: Dependencies) -> None:
        raise RuntimeError("listener")

    heard: list[Dependencies] = []

    async def run() -> None:
        room.source.load()
        room.index.subscribe(fail)
        room.index.subscribe(heard.append)
        await room.source.start()
        room.write("a.yaml", WEB)
        await until(lambda: len(heard) == 1)
        room.write("a.yaml", DB)
        await until(lambda: len(heard) == 2)
        await room.source.stop()

    asyncio.run(run())
    assert "looking at the folder failed" in caplog.text
