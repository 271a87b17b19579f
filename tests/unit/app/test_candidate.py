"""A candidate policy beside the one in force: written down, never followed, and no burden."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rcode
import pytest

from dnspolicy.app.app import App
from dnspolicy.app.reading import read_plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.cli.main import main
from dnspolicy.model.errors import ConfigError
from tests.e2e.process import free_port, own_ip

HOSTS = "192.0.2.1 www.shop.example\n 192.0.2.2 old.shop.example"
COREFILE = """.:{port} {{
    bind {ip}
    hosts {{
        {hosts}
    }}
    audit {{
        file audit.jsonl
        fold 0s
        level full
    }}
    policy {{
        rego force
        {more}
        candidate {{
            rego candidate
            timeout 1s
            reload 10ms
        }}
    }}
}}
"""
ALLOW = 'package dnspolicy\n\ndecision := {"action": "allow", "rule": "force/all", "reason": "all"}\n'


def ignore(_line: str) -> None:
    """What the server says is not looked at."""


def policy(body: str) -> str:
    return f"package dnspolicy\n\n{body}\n"


class Site:
    """A server with a policy in force and a candidate."""

    def __init__(self, folder: Path, force: str, candidate: str, more: str = "") -> None:
        self.folder = folder
        self.write("force", force)
        self.write("candidate", candidate)
        self._ip = own_ip()
        self._port = free_port(self._ip)
        corefile = folder / "Corefile"
        corefile.write_text(COREFILE.format(ip=self._ip, port=self._port, more=more, hosts=HOSTS))
        self._plan = read_plan(corefile, {})

    def write(self, name: str, text: str) -> None:
        (self.folder / name).mkdir(exist_ok=True)
        (self.folder / name / "rule.rego").write_text(text)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[App]:
        app = App(self._plan, clock=SystemClock(), out=ignore, err=ignore)
        await app.start()
        try:
            yield app
        finally:
            await app.stop()

    async def ask(self, name: str = "www.shop.example", times: int = 1) -> str:
        """The response code, the same each time."""
        codes = set()
        for _ in range(times):
            query = dns.message.make_query(name, "A")
            reply = await asyncio.to_thread(dns.query.udp, query, self._ip, 10, self._port)
            codes.add(dns.rcode.to_text(reply.rcode()))
        (code,) = codes
        return code

    def records(self) -> list[dict[str, Any]]:
        lines = (self.folder / "audit.jsonl").read_text().splitlines()
        return [record for line in lines if (record := json.loads(line))["type"] == "query"]

    def told(self, name: str = "www.shop.example", times: int = 3) -> list[Any]:
        """Ask some times; what the records say the candidate would have done."""

        async def story() -> None:
            async with self.serving():
                await self.ask(name, times)

        asyncio.run(story())
        return [record.get("would") for record in self.records()]


def values(app: App, name: str) -> dict[tuple[str, ...], float]:
    return next(dict(m.values) for m in app.parts.metrics.collect() if m.name == name)  # type: ignore[attr-defined]


BLOCK = policy('decision := {"action": "block", "rule": "new/shop", "reason": "not any more"}')


def test_what_it_would_have_done_is_in_every_record(tmp_path: Path) -> None:
    """Of the first answer, of a remembered decision, and of a finished answer."""
    site = Site(tmp_path, ALLOW, BLOCK)
    told = site.told()
    assert told[0] == told[1] == told[2]
    ((would,),) = told[:1]
    revision = would.pop("revision")
    assert would == {
        "verdict": "block",
        "rule": "new/shop",
        "reason": "not any more",
        "name": "www.shop.example",
        "phase": "query",
        "candidate": True,
    }
    record = site.records()[0]
    assert (record["verdict"], record["rule"], record["rcode"]) == ("allow", "force/all", "NOERROR")
    assert revision not in ("", "unknown", record["revision"])


@pytest.mark.parametrize(
    ("candidate", "would"),
    [
        pytest.param(ALLOW.replace("force/all", "new/all"), None, id="another rule alone is no difference"),
        pytest.param(policy("decision := 1 if false"), ("block", "default"), id="says nothing"),
        pytest.param(
            policy('decision := {"action": "allow", "rule": "r", "reason": "r", "mode": "shadow"}'),
            ("block", "default"),
            id="in shadow itself",
        ),
        pytest.param(
            policy('decision := {"action": "redirect", "addresses": ["192.0.2.9"], "rule": "r", "reason": "r"}'),
            ("redirect", "r"),
            id="redirect",
        ),
        pytest.param(policy('decision := {"action": "permit", "rule": "r", "reason": "r"}'), None, id="bad reply"),
    ],
)
def test_what_counts_as_a_difference(tmp_path: Path, candidate: str, would: tuple[str, str] | None) -> None:
    for told in Site(tmp_path, ALLOW, candidate).told():
        found = [(w["verdict"], w["rule"]) for w in told or ()]
        assert found == ([] if would is None else [would])


def test_it_says_something_where_the_one_in_force_says_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, policy("decision := 1 if false"), ALLOW)
    assert [[w["verdict"] for w in told] for told in site.told()] == [["allow"]] * 3
    assert {record["rcode"] for record in site.records()} == {"NXDOMAIN"}


def test_both_read_what_they_like_and_remembered_decisions_stay_exact(tmp_path: Path) -> None:
    """Only the candidate tells names apart, and only it sees the answer."""
    site = Site(
        tmp_path,
        ALLOW,
        policy(
            """
decision := {"action": "block", "rule": "new/old", "reason": "old"} if {
    input.query.name == "old.shop.example"
} else := {"action": "block", "rule": "new/answer", "reason": "address"} if {
    "192.0.2.1" in input.answer.addresses
} else := {"action": "allow", "rule": "new/rest", "reason": "rest"}
"""
        ),
    )

    async def story() -> None:
        async with site.serving():
            for name in ("old.shop.example", "www.shop.example"):
                assert await site.ask(name, times=3) == "NOERROR"

    asyncio.run(story())
    found = [[(w["rule"], w["phase"]) for w in record["would"]] for record in site.records()]
    assert found == [[("new/old", "query"), ("new/old", "response")]] * 3 + [[("new/answer", "response")]] * 3


def test_one_that_reads_the_clock_is_remembered_for_as_long_as_it_says(tmp_path: Path) -> None:
    body = 'decision := {{"action": "block", "rule": "r", "reason": "now", "ttl": {}}} if time.now_ns() > 0'
    site = Site(tmp_path, ALLOW, policy(body.format(60)))
    told = site.told(times=4)
    assert [[w["rule"] for w in each] for each in told] == [["r"]] * 4
    assert [record.get("memo", False) or record.get("decision_cached", False) for record in site.records()][2:] == [
        True,
        True,
    ]


def test_its_failures_are_counted_apart_and_change_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, ALLOW, policy('decision := {"action": 1}'))

    async def story() -> tuple[Any, Any]:
        async with site.serving() as app:
            assert await site.ask(times=3) == "NOERROR"
            return (
                values(app, "dnspolicy_policy_candidate_failures_total"),
                values(app, "dnspolicy_policy_failures_total"),
            )

    candidate, own = asyncio.run(story())
    assert set(candidate) == {("bad_reply",)}
    assert own == {}


def test_another_candidate_takes_over_and_forgets_finished_answers(tmp_path: Path) -> None:
    site = Site(tmp_path, ALLOW, ALLOW)

    async def story() -> None:
        async with site.serving() as app:
            assert await site.ask(times=3) == "NOERROR"
            before = dict(values(app, "dnspolicy_policy_candidate_info"))
            site.write("candidate", BLOCK)
            for _ in range(2000):
                if values(app, "dnspolicy_policy_candidate_info") != before:
                    break
                await asyncio.sleep(0.01)
            assert await site.ask(times=2) == "NOERROR"
            assert values(app, "dnspolicy_policy_candidate_differences_total") == {("new/shop", "block"): 1.0}

    asyncio.run(story())
    assert [record.get("would") is None for record in site.records()] == [True] * 3 + [False] * 2


def test_a_candidate_that_does_not_load_stops_the_start(tmp_path: Path) -> None:
    site = Site(tmp_path, ALLOW, "package dnspolicy\n\ndecision := {")

    async def story() -> None:
        async with site.serving():
            raise AssertionError

    with pytest.raises(ConfigError, match=r"candidate/rule\.rego"):
        asyncio.run(story())


def test_explain_says_what_it_would_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Site(tmp_path, ALLOW, BLOCK)
    words = ["explain", "--conf", str(tmp_path / "Corefile"), "--as", "127.0.0.1", "www.shop.example"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "candidate: would block, rule new/shop: not any more" in shown
    assert "allow" in shown


def test_the_server_says_which_is_the_candidate(tmp_path: Path) -> None:
    site = Site(tmp_path, ALLOW, BLOCK)

    async def story() -> list[str]:
        async with site.serving() as app:
            return app.announcement()

    lines = [line for line in asyncio.run(story()) if "policy revision" in line]
    assert [line.startswith("candidate ") for line in lines] == [False, True]
