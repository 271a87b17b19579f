"""Another configuration at bad moments, many times, and with what cannot be had."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path

import dns.message
import pytest

from dnspolicy.app import app as app_
from dnspolicy.app.app import App
from dnspolicy.app.generation import Generation
from dnspolicy.app.reading import read_plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Gauge
from dnspolicy.model.answer import Answer
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.query import Transport
from dnspolicy.wire.message import decode_query
from tests.e2e.process import free_port, own_ip

NAME = "www.shop.example"
BLOCK = ".:{port} {{\n bind {ip}\n hosts {{\n {address} www.shop.example\n }}\n {more}\n}}\n"
CLUSTER = "kubernetes cluster.local {\n  manifests cluster\n }"
POLICY = "policy {\n  rego rules\n  on_error allow\n }"
RULE = 'package dnspolicy\n\ndecision := {"action": "allow"}\n'


class Site:
    """A Corefile that says one address, and what it may name beside: a cluster, a policy, an audit log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ip = own_ip()
        self.port = free_port(self.ip)
        (folder / "cluster").mkdir()
        (folder / "rules").mkdir()
        (folder / "rules" / "rule.rego").write_text(RULE)
        self.said: list[str] = []

    def app(self, more: str = "") -> App:
        return App(self.plan("192.0.2.1", more), clock=SystemClock(), out=self.said.append, err=self.said.append)

    def plan(self, address: str, more: str = "", port: int = 0) -> app_.Plan:
        corefile = self.folder / "Corefile"
        corefile.write_text(BLOCK.format(ip=self.ip, port=port or self.port, address=address, more=more))
        return read_plan(corefile, {})

    def records(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.folder / "audit.jsonl").read_text().splitlines()]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(app_, "LINGER", 0.0)
    return Site(tmp_path)


async def said(app: App) -> list[str]:
    query = decode_query(dns.message.make_query(NAME, "A").to_wire(), Transport.UDP)
    outcome = await app.ask(query, "127.0.0.1")
    assert outcome is not None
    assert isinstance(outcome.reply, Answer)
    return [socket.inet_ntoa(record.rdata) for record in outcome.reply.answer]


async def alone(app: App) -> None:
    """Until all that was replaced has gone."""
    await asyncio.gather(*app._leaving)
    assert app._living == [app.current]


async def run(app: App, story: Callable[[], Awaitable[None]]) -> None:
    await app.start()
    try:
        await story()
    finally:
        await app.stop()


def test_nothing_is_left_of_what_was_replaced(site: Site) -> None:
    """After many reloads there are as many rooms, clusters, policies, callbacks and series as after the first."""

    async def story() -> None:
        more = f"cache 30\n {CLUSTER}\n {POLICY}\n audit {{\n  file audit.jsonl\n  level metadata\n }}"
        app = site.app(more)
        seen: list[weakref.ref[Generation]] = []

        async def reload() -> None:
            counts = set()
            for number in range(12):
                other = "cache 60\n forward . 192.0.2.53\n" if number % 2 else more
                await app.replace(site.plan(f"192.0.2.{number}", other))
                seen.append(weakref.ref(app.current))
                await alone(app)
                if not number % 2:
                    gauges = [m for m in app.parts.metrics.collect() if isinstance(m, Gauge)]
                    counts.add((
                        len(app.parts.metrics._before), len(app.parts.sources), len(app.engines._asked),
                        sum(len(gauge.values) for gauge in gauges), len(app._sources._followed),
                        len(asyncio.all_tasks()),
                    ))  # fmt: skip
            assert len(counts) == 1

        await run(app, reload)
        gc.collect()
        assert {ref() for ref in seen} == {None, app.current}

    asyncio.run(story())


@pytest.mark.parametrize("moment", ["built", "loaded", "opened", "started"])
@pytest.mark.parametrize("problem", [ConfigError("no"), asyncio.CancelledError(), RuntimeError("no")], ids=str)
def test_what_fails_leaves_no_trace(
    site: Site, monkeypatch: pytest.MonkeyPatch, moment: str, problem: BaseException
) -> None:
    async def story() -> None:
        app = site.app()

        async def fail(*_: object) -> None:
            raise problem

        def fail_at_once(*_: object) -> None:
            raise problem

        async def refuse() -> None:
            assert app.server is not None
            before = asyncio.all_tasks()
            with monkeypatch.context() as patch:
                match moment:
                    case "built":
                        patch.setattr(Generation, "_routes_of", fail_at_once)
                    case "loaded":
                        patch.setattr(app._sources, "start", fail)
                    case "opened":
                        patch.setattr(app.server, "open", fail)
                    case _:
                        patch.setattr(Generation, "start", fail)
                with pytest.raises(type(problem)):
                    await app.replace(site.plan("192.0.2.2", f"{CLUSTER}\n {POLICY}\n", free_port(site.ip)))
            assert await said(app) == ["192.0.2.1"]
            assert app._living == [app.current]
            assert (app.parts.sources, app.engines._asked, app._leaving) == ({}, {}, set())
            assert {door.port for door in app.server.doors} == {site.port}
            assert asyncio.all_tasks() == before
            await app.replace(site.plan("192.0.2.3"))
            assert await said(app) == ["192.0.2.3"]

        await run(app, refuse)

    asyncio.run(story())


@pytest.mark.parametrize("turns", range(12))
def test_cancelled_somewhere(site: Site, turns: int) -> None:
    """Whenever that comes: what answers is the old or the new configuration as a whole, and both end well."""

    async def story() -> None:
        app = site.app("audit {\n  file audit.jsonl\n  level metadata\n }")

        async def cancel() -> None:
            plan = site.plan("192.0.2.2", "audit {\n  file audit.jsonl\n  level full\n }", free_port(site.ip))
            task = asyncio.create_task(app.replace(plan))
            for _ in range(turns):
                await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.wait((task,))
            assert await said(app) == (["192.0.2.2"] if app.current.plan is plan else ["192.0.2.1"])

        await run(app, cancel)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(story())
    records = site.records()
    assert len([r for r in records if r["type"] == "start"]) == len([r for r in records if r["type"] == "stop"])


def test_a_cluster_is_not_closed_for_one_that_is_about_to_use_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last user goes while the next is being built, which has found the cluster and the policy open."""

    async def story() -> None:
        app = site.app(f"{CLUSTER}\n {POLICY}")

        async def overlap() -> None:
            cluster, judge = app.current.rooms.sources[0], app.current.rooms.judges[0]
            prepare = app._prepare

            async def after_it_went(*args: object) -> None:
                await asyncio.sleep(0.05)
                await prepare(*args)  # type: ignore[arg-type]

            monkeypatch.setattr(app_, "LINGER", 0.02)
            await app.replace(site.plan("192.0.2.2"))
            monkeypatch.setattr(app, "_prepare", after_it_went)
            await app.replace(site.plan("192.0.2.3", f"{CLUSTER}\n {POLICY}"))
            await alone(app)
            assert app.current.rooms.sources[0] is cluster
            assert list(app.parts.sources.values()) == [cluster]
            assert [w.judges for w in app.engines._asked.values()] == [{judge._config: judge}]

        await run(app, overlap)

    asyncio.run(story())


def test_stopping_at_once_after_a_reload_ends_both(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(app_, "LINGER", 60.0)
        app = site.app("audit {\n  file audit.jsonl\n  level metadata\n }")
        await app.start()
        await app.replace(site.plan("192.0.2.2"))
        await app.stop()

    asyncio.run(story())
    assert [r["type"] for r in site.records()] == ["start", "stop"]
