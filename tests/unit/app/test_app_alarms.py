"""Alarms over another configuration."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from dnspolicy.app import app as app_
from dnspolicy.app.app import App
from dnspolicy.app.reading import read_plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.plugins.alarms import Alarms
from tests.e2e.process import free_port, own_ip

CLIENT = "192.0.2.9"
COREFILE = ".:{port} {{\n bind {ip}\n kubernetes cluster.local {{\n manifests cluster\n }}\n {alarms}\n {more}\n}}\n"


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ip = own_ip()
        self.port = free_port(self.ip)
        (folder / "cluster").mkdir()

    def plan(self, alarms: str, more: str = "") -> app_.Plan:
        corefile = self.folder / "Corefile"
        corefile.write_text(COREFILE.format(ip=self.ip, port=self.port, alarms=alarms, more=more))
        return read_plan(corefile, {})


def ask_much(app: App) -> None:
    (room,) = (room for room in app.rooms.everything if isinstance(room, Alarms))
    for number in range(100):
        name = from_text(f"{hashlib.sha256(str(number).encode()).hexdigest()[:60]}.evil.example")
        room.seen(Outcome(Query(name, 1, name), Answer(), CLIENT, 4053, app.view.identify(CLIENT)))


@pytest.mark.parametrize(
    ("alarms", "stays"),
    [
        pytest.param("alarms", True, id="the same"),
        pytest.param("alarms {\n names 90\n }", False, id="another"),
        pytest.param("", False, id="none"),
    ],
)
def test_alarms_stay_over_a_reload_with_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alarms: str, stays: bool
) -> None:
    monkeypatch.setattr(app_, "LINGER", 0.0)
    site = Site(tmp_path)

    async def story() -> tuple[bool, bool]:
        app = App(site.plan("alarms"), clock=SystemClock(), out=lambda _: None, err=lambda _: None)
        await app.start()
        try:
            ask_much(app)
            await asyncio.sleep(0)
            before = bool(app.view.identify(CLIENT).alarms)
            await app.replace(site.plan(alarms, "minimal"))
            async with asyncio.timeout(20.0):
                while stays is not bool(app.view.identify(CLIENT).alarms):  # noqa: ASYNC110 it tells nobody
                    await asyncio.sleep(0.01)
            return before, bool(app.view.identify(CLIENT).alarms)
        finally:
            await app.stop()

    assert asyncio.run(story()) == (True, stays)
