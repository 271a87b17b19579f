from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from dnspolicy.chain.metrics import Metrics
from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.model.answer import Rests
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.name import Name, from_text
from dnspolicy.plugins.file import Config, File, state
from tests.unit.plugins.file.zone_help import Room, shown


def zone(serial: int, rest: str = "www 60 A 10.0.0.1\n") -> str:
    return f"@ 60 SOA ns h {serial} 1 1 1 1\n{rest}"


@pytest.fixture(autouse=True)
def _settle_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "SETTLE", 0.01)


def www(room: Room) -> list[str]:
    return [text.split()[-1] for text in shown(room.ask("www.example.test").answer)]


def told(room: Room) -> list[Name]:
    heard: list[Name] = []
    room.file.announce_to(heard.append)
    return heard


def test_another_serial_is_served_and_announced(tmp_path: Path) -> None:
    room = Room(tmp_path, zone(1))
    heard = told(room)
    room.refresh(zone(2, "www 60 A 10.0.0.22\n"))
    assert www(room) == ["10.0.0.22"]
    assert room.moved == [frozenset(((Rests.FILE, str(room.path)),))]
    assert heard == [from_text("example.test")]
    assert room.metrics.gauge("dnspolicy_file_zone_serial", "").values == {("example.test.",): 2}


def test_a_smaller_serial_too(tmp_path: Path) -> None:
    room = Room(tmp_path, zone(5))
    room.refresh(zone(2, "www 60 A 10.0.0.22\n"))
    assert www(room) == ["10.0.0.22"]


@pytest.mark.parametrize(("by_mtime", "address"), [(False, "10.0.0.1"), (True, "10.0.0.22")])
def test_the_same_serial(tmp_path: Path, by_mtime: bool, address: str) -> None:
    room = Room(tmp_path, zone(1), reload_by_mtime=by_mtime)
    room.refresh(zone(1, "www 60 A 10.0.0.22\n"))
    assert www(room) == [address]
    assert bool(room.moved) is by_mtime


def test_nothing_changed_is_nothing_said(tmp_path: Path) -> None:
    room = Room(tmp_path, zone(1))
    room.refresh()
    assert room.moved == []
    assert room.metrics.counter("dnspolicy_file_reloads_total", "").values == {}


@pytest.mark.parametrize(
    "bad", ["", "@ 60 SOA ns h 2 1 1", zone(2, "www A bad\n"), "www 60 A 10.0.0.9\n", zone(2) + zone(3)],
    ids=["empty", "half", "bad-line", "no-soa", "two-soas"],
)  # fmt: skip
def test_a_bad_file_keeps_the_old_zone_and_is_named_once(
    tmp_path: Path, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(tmp_path, zone(1))
    with caplog.at_level(logging.WARNING):
        room.refresh(bad)
        room.refresh(bad + "\n")
    assert www(room) == ["10.0.0.1"]
    assert room.moved == []
    assert [str(room.path) in record.getMessage() for record in caplog.records] == [True]
    room.refresh(zone(3, "www 60 A 10.0.0.3\n"))
    assert www(room) == ["10.0.0.3"]


def test_a_file_that_goes_and_comes_back(tmp_path: Path) -> None:
    room = Room(tmp_path, zone(1))
    room.path.unlink()
    room.refresh()
    assert www(room) == ["10.0.0.1"]
    room.refresh(zone(2, "www 60 A 10.0.0.2\n"))
    assert www(room) == ["10.0.0.2"]


def test_an_included_file_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("www 60 A 10.0.0.1\n")
    room = Room(tmp_path, zone(1, "$INCLUDE hosts\n"), reload_by_mtime=True)
    (tmp_path / "hosts").write_text("www 60 A 10.0.0.77\n")
    room.refresh()
    assert www(room) == ["10.0.0.77"]


def test_the_zones_of_a_file_change_together(tmp_path: Path) -> None:
    room = Room(tmp_path, zone(1), "example.test example.net")
    heard = told(room)
    room.refresh(zone(2, "www 60 A 10.0.0.22\n"))
    assert shown(room.ask("www.example.net").answer) == ["www.example.net 60 A 10.0.0.22"]
    assert heard == [from_text("example.test"), from_text("example.net")]


def test_it_is_looked_at_in_the_background(tmp_path: Path) -> None:
    room = Room(tmp_path, zone(1), reload=0.1)

    async def scene() -> None:
        await room.file.start()
        room.path.write_text(zone(2))
        for _ in range(500):
            await asyncio.sleep(0.01)
            if room.moved:
                break
        await room.file.stop()

    asyncio.run(scene())
    assert room.moved


def test_without_reload_answers_rest_on_nothing(tmp_path: Path) -> None:
    fresh = Room(tmp_path, zone(1), reload=0.0).ask("www.example.test").fresh
    assert (fresh.ttl, fresh.rests) == (None, frozenset())


@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "No such file"), ("@ SOA x\n", "zone:1: "), ("www 60 A 10.0.0.1\n", "no SOA record for example.test")],
    ids=["missing", "bad", "no-soa"],
)
def test_a_start_without_a_zone_is_an_error(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "zone"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        File(
            [Config(dbfile=str(path))],
            origins=(from_text("example.test"),),
            changed=lambda rests: None,
            metrics=Metrics(),
        )
    assert why in str(raised.value)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("options", "config"),
    [
        ("", Config(dbfile="db")),
        (
            "reload 30s\nreload_by_mtime\nfallthrough",
            Config(dbfile="db", reload=30.0, reload_by_mtime=True, fallthrough=()),
        ),
        ("fallthrough a.test", Config(dbfile="db", fallthrough=("a.test.",))),
        ("reload 0\nupstream 1.1.1.1", Config(dbfile="db", reload=0.0, upstream=("1.1.1.1",))),
        ("upstream", Config(dbfile="db", upstream=())),
    ],
)
def test_the_directive(tmp_path: Path, options: str, config: Config) -> None:
    (tmp_path / "Corefile").write_text(f". {{\nfile db {{\n{options}\n}}\n}}\n")
    complaints = Complaints()
    assert bind(load(tmp_path / "Corefile", {}).blocks[0].directives[0], Config, complaints) == config
    complaints.raise_if_any()
