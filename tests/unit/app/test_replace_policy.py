"""A Corefile that is loaded again brings another policy, or is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import dns.message
import pytest

from dnspolicy.app.app import App
from dnspolicy.app.reading import read_plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.model.answer import Answer
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.query import Transport
from dnspolicy.wire.message import decode_query
from tests.e2e.process import free_port, own_ip

RULE = 'package dnspolicy\n\ndecision := {{"action": "block", "rule": "{0}", "reason": "{0}"}}\n'
BLOCK = ".:{port} {{\n bind {ip}\n hosts {{\n 192.0.2.1 www.shop.example\n }}\n {more}\n}}\n"


def ignore(_line: str) -> None:
    """What the server says is not looked at."""


class Site:
    """A folder with two policies, and a Corefile."""

    def __init__(self, folder: Path) -> None:
        self.ip = own_ip()
        self.port = free_port(self.ip)
        self.corefile = folder / "Corefile"
        for name in ("first", "second"):
            (folder / name).mkdir()
            (folder / name / "rule.rego").write_text(RULE.format(name))

    async def replace(self, app: App, more: str) -> None:
        self.say(more)
        await app.replace(read_plan(self.corefile, {}))

    def say(self, more: str) -> None:
        self.corefile.write_text(BLOCK.format(ip=self.ip, port=self.port, more=more))

    @asynccontextmanager
    async def serving(self, more: str) -> AsyncIterator[App]:
        self.say(more)
        app = App(read_plan(self.corefile, {}), clock=SystemClock(), out=ignore, err=ignore)
        await app.start()
        try:
            yield app
        finally:
            await app.stop()


async def rule_of(app: App) -> str:
    """The rule that blocks; empty when there is an answer."""
    query = decode_query(dns.message.make_query("www.shop.example", "A").to_wire(), Transport.UDP)
    outcome = await app.ask(query, "127.0.0.1")
    assert outcome is not None
    assert isinstance(outcome.reply, Answer)
    assert not outcome.failure
    return outcome.judgements[-1].verdict.rule if outcome.judgements else ""


def test_a_policy_that_a_reload_brings_decides(tmp_path: Path) -> None:
    """It is loaded in a thread, and asked in another one."""

    async def story() -> list[str]:
        site = Site(tmp_path)
        async with site.serving("") as app:
            rules = [await rule_of(app)]
            for name in ("first", "second", "first"):
                await site.replace(app, f"policy {{\n rego {name}\n on_error allow\n }}")
                rules.append(await rule_of(app))
            return rules

    assert asyncio.run(story()) == ["", "first", "second", "first"]


@pytest.mark.parametrize("wrong", ["forward . /no/such/file", "health nowhere.invalid:1"])
def test_a_refused_corefile_leaves_no_policy_behind(tmp_path: Path, wrong: str) -> None:
    async def story() -> tuple[list[str], list[str]]:
        site = Site(tmp_path)
        async with site.serving("policy {\n rego first\n }") as app:
            before = app.engines.announcement()
            with pytest.raises(ConfigError):
                await site.replace(app, "policy {\n rego second\n }\n" + wrong)
            assert await rule_of(app) == "first"
            return before, app.engines.announcement()

    before, after = asyncio.run(story())
    assert before == after
