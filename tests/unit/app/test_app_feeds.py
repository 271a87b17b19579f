"""Policies with documents that change by themselves, in a server as a whole."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dnspolicy.app.app import App
from dnspolicy.app.parts import Use
from dnspolicy.app.reading import read_plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Gauge
from dnspolicy.model.answer import Answer
from dnspolicy.model.errors import ConfigError, PolicyLoadError
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Type, rcode_text
from tests.e2e.process import free_port, own_ip
from tests.unit.app.asking import Questions, asking

PATIENCE = 60.0
NAMES = 100_000
COREFILE = """.:{port} {{
    bind {ip}
    hosts {{
        192.0.2.1 n1.list.example other.example
    }}
    {cluster}
    policy {{
        rego rules
        timeout 5s
        {data}
    }}
}}
"""
RULES = """package dnspolicy

default decision := {"action": "allow", "rule": "test/allow", "reason": "on no list"}

decision := {"action": "block", "rule": "test/listed", "reason": "on the list"} if {
	some suffix in input.query.suffixes
	data.names[suffix]
}
"""


class Site:
    """A folder with a Corefile, and a server from it."""

    def __init__(self, folder: Path, data: str, cluster: str = "", rules: str = RULES) -> None:
        self.folder = folder
        self.ip = own_ip()
        self.port = free_port(self.ip)
        (folder / "rules").mkdir(exist_ok=True)
        self.put("rules/rule.rego", rules)
        self.configure(data, cluster)

    def configure(self, data: str, cluster: str = "") -> None:
        self.put("Corefile", COREFILE.format(ip=self.ip, port=self.port, data=data, cluster=cluster))

    def put(self, name: str, text: str) -> None:
        """At once, as an editor or a mounted ConfigMap does it."""
        new = self.folder / "new"
        new.write_text(text)
        new.replace(self.folder / name)

    def made(self, use: Use = Use.SERVE) -> App:
        said: list[str] = []
        plan = read_plan(self.folder / "Corefile", {})
        return App(plan, clock=SystemClock(), out=said.append, err=said.append, use=use)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[App]:
        app = self.made()
        await app.start()
        try:
            yield app
        finally:
            await app.stop()


async def code(app: App, name: str = "n1.list.example") -> str:
    asked = from_text(name)
    outcome = await app.ask(Query(asked, Type.A, asked), "192.0.2.9")
    assert outcome is not None
    assert isinstance(outcome.reply, Answer)
    return rcode_text(outcome.reply.rcode)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 what it looks at tells nobody
            await asyncio.sleep(0.005)


async def answers(app: App, wanted: str, name: str = "n1.list.example") -> None:
    async with asyncio.timeout(PATIENCE):
        while await code(app, name) != wanted:  # noqa: ASYNC110 there is nothing else to wait for
            await asyncio.sleep(0.01)


def revisions(app: App) -> list[tuple[str, ...]]:
    (info,) = (metric for metric in app.parts.metrics.collect() if metric.name == "dnspolicy_feed_info")
    assert isinstance(info, Gauge)
    return list(info.values)


def listed(first: int) -> str:
    return "".join(f"n{number}.list.example\n" for number in range(first, first + NAMES))


def test_a_large_list_changes_under_load_and_costs_no_answer(tmp_path: Path) -> None:
    site = Site(tmp_path, "data names file names.txt {\n every 100ms\n}")
    site.put("names.txt", listed(0))

    async def story() -> Questions:
        async with site.running() as app:
            await answers(app, "NXDOMAIN")
            questions = await asking(site.ip, site.port, "n1.list.example")
            for first in (5, 0):
                before = revisions(app)
                site.put("names.txt", listed(first))
                await until(lambda before=before: revisions(app) != before)
                at = len(questions.codes)
                await until(lambda at=at: len(questions.codes) > at + 50)
            await questions.end()
            return questions

    questions = asyncio.run(story())
    assert questions.answered == questions.asked
    changes = [code for code, before in zip(questions.codes, ["", *questions.codes], strict=False) if code != before]
    assert changes == ["NXDOMAIN", "NOERROR", "NXDOMAIN"]


def test_nothing_is_decided_without_what_is_required(tmp_path: Path) -> None:
    site = Site(tmp_path, "data names file names.txt {\n every 100ms\n required\n max_age 1h\n}")

    async def story() -> None:
        async with site.running() as app:
            (room,) = (room for room in app.rooms.readiness() if room.name == "policy")
            assert (room.readiness.not_ready(), await code(app)) == ("data names is not there", "SERVFAIL")
            site.put("names.txt", "other.example\n")
            await answers(app, "NOERROR")
            assert (room.readiness.not_ready(), await code(app, "other.example")) == (None, "NXDOMAIN")
            os.utime(tmp_path / "names.txt", (1_000, 1_000))
            await answers(app, "SERVFAIL")

    asyncio.run(story())


def test_a_document_that_is_not_there_is_undefined(tmp_path: Path) -> None:
    site = Site(tmp_path, "data names file names.txt {\n every 100ms\n}")

    async def story() -> None:
        async with site.running() as app:
            assert await code(app) == "NOERROR"
            site.put("names.txt", "list.example\n")
            await answers(app, "NXDOMAIN")
            site.put("names.txt", "half a line")
            await until(lambda: not tmp_path.joinpath("new").exists())
            assert await code(app) == "NXDOMAIN"

    asyncio.run(story())


def configmap(names: str) -> str:
    meta = {"name": "dns", "namespace": "shop"}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"names.json": names}})


def test_objects_come_from_the_cluster_that_is_in_force(tmp_path: Path) -> None:
    """Also after another configuration has named another cluster."""
    rules = RULES.replace("data.names[", 'data.map["names.json"][')
    data = "data map configmap shop/dns {\n every 100ms\n}"
    for folder, name in (("one", "n1.list.example"), ("two", "other.example")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "map.json").write_text(configmap(json.dumps({name: True})))
    site = Site(tmp_path, data, "kubernetes cluster.local {\n manifests one\n}", rules)

    async def story() -> None:
        async with site.running() as app:
            assert (await code(app), await code(app, "other.example")) == ("NXDOMAIN", "NOERROR")
            site.put("one/map.json", configmap("{}"))
            await answers(app, "NOERROR")
            site.configure(data, "kubernetes cluster.local {\n manifests two\n}")
            await app.replace(read_plan(tmp_path / "Corefile", {}))
            await answers(app, "NXDOMAIN", "other.example")
            site.put("two/map.json", configmap("{}"))
            await answers(app, "NOERROR", "other.example")

    asyncio.run(story())


def test_a_policy_that_changes_keeps_its_documents(tmp_path: Path) -> None:
    site = Site(tmp_path, "reload 10ms\ndata names file names.txt {\n every 100ms\n}")
    site.put("names.txt", "list.example\n")
    turned = RULES.replace('"allow"', '"x"').replace('"block"', '"allow"').replace('"x"', '"block"')

    async def story() -> None:
        async with site.running() as app:
            assert (await code(app), await code(app, "other.example")) == ("NXDOMAIN", "NOERROR")
            site.put("rules/rule.rego", turned)
            await answers(app, "NXDOMAIN", "other.example")
            assert await code(app) == "NOERROR"

    asyncio.run(story())


def test_looking_at_a_configuration_fetches_nothing_and_settling_does_it_once(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\nlist.example\n")
        writer.close()

    async def story() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        app = Site(tmp_path, f"data names http http://{host}:{port}/names.txt").made()
        assert not asked
        await app.engines.settle()
        try:
            assert (len(asked), await code(app)) == (1, "NXDOMAIN")
        finally:
            await app.stop()
            server.close()

    asyncio.run(story())


WRONG = {
    "objects of no cluster": ("data a configmap x/y", RULES, ConfigError, "needs a `kubernetes` directive"),
    "a path below another": ("data a file x.json\ndata a.b file y.json", RULES, ConfigError, "lie in each other"),
    "a path of a rule": ("data dnspolicy.decision file x.json", RULES, PolicyLoadError, "here is a rule"),
}


@pytest.mark.parametrize(("data", "rules", "kind", "problem"), WRONG.values(), ids=WRONG)
def test_what_cannot_be(tmp_path: Path, data: str, rules: str, kind: type[Exception], problem: str) -> None:
    site = Site(tmp_path, data, rules=rules)

    async def story() -> None:
        with pytest.raises((ConfigError, kind), match=problem):
            site.made()

    asyncio.run(story())
