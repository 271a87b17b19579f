"""An engine that is out: what the failure table says happens (scenario 15), and a candidate's that nobody notices."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import dns.edns
import dns.message
import dns.query
import dns.rcode
import pytest

from dnspolicy.app.app import App
from dnspolicy.app.reading import read_plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.testing.opa import FakeOpa
from dnspolicy.testing.opatricks import Trick
from tests.e2e.process import free_port, own_ip

COREFILE = """.:{port} {{
    bind {ip}
    hosts {{
        192.0.2.1 db.cluster.local
        192.0.2.2 new.cluster.local
        192.0.2.3 www.example
        192.0.2.4 updates.example
    }}
    audit {{
        file audit.jsonl
        fold 0s
    }}
    policy {{
        {policy}
    }}
}}
"""
TABLE = """
on_error last_known zone cluster.local
on_error allow zone updates.example kind timeout unavailable
on_error block
"""
ALLOW = {"action": "allow", "rule": "opa/all", "reason": "all"}
BLOCK = {"action": "block", "rule": "next/all", "reason": "nothing"}


def ignore(_line: str) -> None:
    """What the server says is not looked at."""


@pytest.fixture
def opa() -> Iterator[FakeOpa]:
    with FakeOpa(ALLOW) as running:
        yield running


class Site:
    def __init__(self, folder: Path, policy: str) -> None:
        self._folder = folder
        self._ip = own_ip()
        self._port = free_port(self._ip)
        corefile = folder / "Corefile"
        corefile.write_text(COREFILE.format(ip=self._ip, port=self._port, policy=policy))
        self._plan = read_plan(corefile, {})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[App]:
        app = App(self._plan, clock=SystemClock(), out=ignore, err=ignore)
        await app.start()
        try:
            yield app
        finally:
            await app.stop()

    async def ask(self, name: str) -> tuple[str, list[str]]:
        """Response code and extended errors."""
        query = dns.message.make_query(name, "A", use_edns=0)
        reply = await asyncio.to_thread(dns.query.udp, query, self._ip, 20, self._port)
        errors = [option.text or "" for option in reply.options if isinstance(option, dns.edns.EDEOption)]
        return dns.rcode.to_text(reply.rcode()), errors

    def records(self) -> list[dict[str, Any]]:
        lines = (self._folder / "audit.jsonl").read_text().splitlines()
        return [record for line in lines if (record := json.loads(line))["type"] == "query"]


def counted(app: App, name: str) -> dict[tuple[str, ...], float]:
    return next(dict(m.values) for m in app.parts.metrics.collect() if m.name == name)  # type: ignore[attr-defined]


def test_scenario_15_an_engine_times_out(tmp_path: Path, opa: FakeOpa) -> None:
    site = Site(tmp_path, f"opa {opa.url} {{\n hold 1ms\n }}\n timeout 400ms\n reload 1s\n cache 100\n {TABLE}")

    async def story() -> dict[tuple[str, ...], float]:
        async with site.serving() as app:
            assert (await site.ask("db.cluster.local"))[0] == "NOERROR"
            assert (await site.ask("www.example"))[0] == "NOERROR"
            opa.trick = Trick.HUNG
            assert (await site.ask("db.cluster.local"))[0] == "NOERROR"
            assert (await site.ask("updates.example"))[0] == "NOERROR"
            code, errors = await site.ask("www.example")
            assert code == "SERVFAIL"
            assert re.fullmatch(r"failure/(timeout|unavailable)", errors[0])
            code, errors = await site.ask("new.cluster.local")
            assert code == "SERVFAIL"
            assert re.fullmatch(r"failure/(timeout|unavailable)", errors[0])
            return counted(app, "dnspolicy_policy_failures_total")

    failures = asyncio.run(story())
    assert {action for _, action in failures} == {"last_known", "allow", "block"}
    assert {kind for kind, _ in failures} <= {"timeout", "unavailable"}  # the latter once it is not asked for a while
    told = [(r["verdict"], r["rule"].partition("/")[0], r["origin"]) for r in site.records()[2:]]
    assert told == [
        ("allow", "opa", "policy"),
        ("allow", "failure", "failure"),
        ("block", "failure", "failure"),
        ("block", "failure", "failure"),
    ]
    assert site.records()[2]["trigger"].startswith("failure:")


FORCE = 'package dnspolicy\n\ndecision := {"action": "allow", "rule": "force/all", "reason": "all"}\n'


def beside(folder: Path, opa: FakeOpa, timeout: str) -> Site:
    (folder / "force").mkdir()
    (folder / "force" / "rule.rego").write_text(FORCE)
    return Site(folder, f"rego force\n timeout 2s\n candidate {{\n opa {opa.url}\n timeout {timeout}\n }}")


def test_a_candidate_that_hangs_keeps_nobody_waiting(tmp_path: Path, opa: FakeOpa) -> None:
    opa.trick = Trick.HUNG
    site = beside(tmp_path, opa, "1s")

    async def story() -> dict[tuple[str, ...], float]:
        async with site.serving() as app:
            for _ in range(3):
                assert (await site.ask("www.example"))[0] == "NOERROR"
            assert counted(app, "dnspolicy_policy_candidate_failures_total") == {}  # all answered, none given up yet
            for _ in range(2000):
                if counted(app, "dnspolicy_policy_candidate_failures_total"):
                    break
                await asyncio.sleep(0.01)
            assert counted(app, "dnspolicy_policy_failures_total") == {}
            return counted(app, "dnspolicy_policy_candidate_failures_total")

    assert set(asyncio.run(story())) == {("timeout",)}
    assert [(record["verdict"], record.get("would")) for record in site.records()] == [("allow", None)] * 3


def test_records_wait_for_a_slow_candidate_and_answers_do_not(tmp_path: Path, opa: FakeOpa) -> None:
    opa.says, opa.trick, opa.delay = BLOCK, Trick.SLOW, 0.4
    site = beside(tmp_path, opa, "5s")

    async def story() -> None:
        async with site.serving() as app:
            assert (await site.ask("www.example"))[0] == "NOERROR"
            assert counted(app, "dnspolicy_policy_candidate_differences_total") == {}
            for _ in range(2000):
                if site.records():
                    break
                await asyncio.sleep(0.01)

    asyncio.run(story())
    (record,) = site.records()
    assert [(w["rule"], w["phase"]) for w in record["would"]] == [("next/all", "query"), ("next/all", "response")]
