"""A name that a hosts file gets wins at once over answers that were given before."""

from __future__ import annotations

import asyncio
from pathlib import Path

import dns.message
import pytest

from dnspolicy.app.app import App
from dnspolicy.app.reading import read_plan
from dnspolicy.cluster.objects import Namespace, Port, Service, ServiceKind
from dnspolicy.model.query import Transport
from dnspolicy.plugins.hosts import Hosts
from dnspolicy.testing.clock import FakeClock
from tests.unit.app.one import Asker

COREFILE = """
. {{
    bind 127.0.0.1
    {rooms}
    hosts hosts {{
        fallthrough
    }}
    kubernetes cluster.local {{
        manifests cluster
        ttl 60
    }}
}}
"""
WEB = "web.red.svc.cluster.local"


@pytest.mark.parametrize(
    ("rooms", "memo"),
    [
        pytest.param("", True, id="finished answers"),
        pytest.param("cache 30", False, id="cache"),
        pytest.param("cache 30 {\n serve_stale\n }", True, id="both"),
        pytest.param("acl example.org {\n block\n }\n minimal", True, id="rooms that do nothing"),
    ],
)
def test_a_new_entry_is_seen(tmp_path: Path, rooms: str, memo: bool) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "hosts").write_text("192.0.2.1 other.example\n")
    (tmp_path / "Corefile").write_text(COREFILE.format(rooms=rooms))

    async def scene() -> list[str]:
        app = App(read_plan(tmp_path / "Corefile", {}), clock=FakeClock(), out=print, err=print, memo=memo)
        app.view.apply([Namespace("red"), Service("red", "web", ServiceKind.CLUSTER_IP, ("10.0.0.1",), _PORTS)])
        (room,) = (room for room in app.current.rooms.everything if isinstance(room, Hosts))
        said = [_address(app), _address(app)]
        for address in ("192.0.2.9", "192.0.2.10"):
            (tmp_path / "hosts").write_text(f"{address} {WEB}\n")
            room.refresh()
            said += [_address(app), _address(app)]
        (tmp_path / "hosts").write_text("192.0.2.1 other.example\n")
        room.refresh()
        return [*said, _address(app)]

    before, first, second = ["10.0.0.1"] * 2, ["192.0.2.9"] * 2, ["192.0.2.10"] * 2
    assert asyncio.run(scene()) == [*before, *first, *second, "10.0.0.1"]


_PORTS = (Port("http", "tcp", 80),)


def _address(app: App) -> str:
    assert app.server is not None
    door = next(door for door in app.server.doors if door.transport is Transport.UDP)
    asker = Asker("192.0.2.77")
    app.front.receive(dns.message.make_query(WEB, "A").to_wire(), door, asker)
    (found,) = dns.message.from_wire(asker.reply).answer
    return str(found[0])
