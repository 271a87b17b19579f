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
from tests.unit.app.asking import Questions, asking

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


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        pytest.param("rego first\n timeout 3s", True, id="timeout"),
        pytest.param("rego first\n default allow", True, id="default"),
        pytest.param("rego first\n on_error allow kind timeout", True, id="on_error"),
        pytest.param("rego first\n cache 5", True, id="cache"),
        pytest.param("rego first\n candidate {\n rego second\n }", True, id="candidate"),
        pytest.param("rego first second", False, id="folders"),
        pytest.param("rego first\n entrypoint data.dnspolicy.other", False, id="entrypoint"),
        pytest.param("rego first\n reload 2h", False, id="reload"),
    ],
)
def test_only_words_of_the_engine_make_another_engine(tmp_path: Path, words: str, kept: bool) -> None:
    """The files have changed meanwhile, which nobody but another engine looks at so soon."""

    async def story() -> str:
        site = Site(tmp_path)
        reload = "" if "reload" in words else "\n reload 1h"
        async with site.serving("policy {\n rego first\n reload 1h\n }") as app:
            assert await rule_of(app) == "first"
            (tmp_path / "second" / "rule.rego").write_text('package elsewhere\n\nx := "y"\n')
            text = RULE.format("new")
            (tmp_path / "first" / "rule.rego").write_text(text + text.replace("decision", "other").split("\n\n")[1])
            if "candidate" in words:
                (tmp_path / "second" / "rule.rego").write_text(RULE.format("second"))
            await site.replace(app, f"policy {{\n {words}{reload}\n }}")
            return await rule_of(app)

    assert asyncio.run(story()) == ("first" if kept else "new")


def test_no_question_is_lost_while_engines_come_and_go(tmp_path: Path) -> None:
    allow = RULE.replace("block", "allow")

    async def story() -> Questions:
        site = Site(tmp_path)
        for name in ("first", "second"):
            (tmp_path / name / "rule.rego").write_text(allow.format(name))
        async with site.serving("policy {\n rego first\n timeout 5s\n }") as app:
            questions = await asking(site.ip, site.port)
            for words in ("rego second", "rego second\n cache 0", "opa http://127.0.0.1:1", "rego first\n cache 0"):
                await site.replace(app, f"policy {{\n {words}\n timeout 5s\n on_error allow\n }}")
                await questions.answers(20)
            await questions.end()
            return questions

    questions = asyncio.run(story())
    assert set(questions.codes) == {"NOERROR"}
    assert questions.answered == questions.asked
