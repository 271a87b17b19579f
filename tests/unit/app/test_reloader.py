"""When a changed Corefile is taken up, and which."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dnspolicy.app import reloader as reloader_
from dnspolicy.app.app import App
from dnspolicy.app.plan import Plan
from dnspolicy.app.reading import files_of, read_plan
from dnspolicy.app.reloader import Reloader, digest
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Labels
from tests.e2e.process import free_port, own_ip

BLOCK = ".:{port} {{\n bind {ip}\n hosts {{\n {address} www.shop.example\n }}\n}}\n"


class Site:
    """A Corefile, and somebody who writes into it each time that it has just been read."""

    def __init__(self, folder: Path) -> None:
        self.ip = own_ip()
        self.port = free_port(self.ip)
        self.corefile = folder / "Corefile"
        self.asked = asyncio.Event()
        self.later: list[str] = []
        self.plans: list[Plan] = []

    def write(self, address: str) -> str:
        self.corefile.write_text(BLOCK.format(ip=self.ip, port=self.port, address=address))
        return digest((self.corefile,))

    def files(self) -> tuple[Path, ...]:
        return files_of(self.corefile, {})

    def read(self) -> Plan:
        self.plans.append(read_plan(self.corefile, {}))
        if self.later:
            self.write(self.later.pop())
        return self.plans[-1]

    @asynccontextmanager
    async def reloading(self) -> AsyncIterator[App]:
        in_force = self.write("192.0.2.1")
        app = App(read_plan(self.corefile, {}), clock=SystemClock(), out=lambda _: None, err=lambda _: None)
        await app.start()
        reloader = Reloader(app, files=self.files, read=self.read, asked=self.asked, in_force=in_force)
        await reloader.start()
        try:
            yield app
        finally:
            await reloader.stop()
            await app.stop()


def said(app: App) -> list[Labels]:
    """Which files the metrics say to be in force; the last thing that is done about a new configuration."""
    info = app.parts.metrics.gauge("coredns_reload_version_info", "")
    return list(info.values)


def test_what_is_written_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloader_, "SETTLE", 0.01)

    async def story() -> None:
        site = Site(tmp_path)
        async with site.reloading() as app:
            before = digest((site.corefile,))
            site.later = ["192.0.2.4", "192.0.2.3"]
            site.write("192.0.2.2")
            site.asked.set()
            async with asyncio.timeout(20):
                while said(app) == [("sha512", before)]:  # noqa: ASYNC110 nobody tells
                    await asyncio.sleep(0.01)
            assert len(site.plans) == 3
            assert app.current.plan is site.plans[-1]
            assert said(app) == [("sha512", digest((site.corefile,)))]

    asyncio.run(story())
