"""The policy changes twenty times, broken ones among them, while questions come without a pause."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from dnspolicy.app.app import App
from dnspolicy.app.reading import read_plan
from dnspolicy.chain.clock import SystemClock
from tests.e2e.process import free_port, own_ip
from tests.unit.app.asking import Questions, asking

CHANGES = 20
PATIENCE = 20.0
COREFILE = """.:{port} {{
    bind {ip}
    hosts {{
        192.0.2.1 www.shop.example
    }}
    audit {{
        file audit.jsonl
        fold 0s
    }}
    policy {{
        rego rules
        timeout 2s
        reload 10ms
        cache {cache}
        candidate {{
            rego beside
            timeout 2s
            reload 10ms
        }}
    }}
}}
"""
RULE = (
    'package dnspolicy\n\ndecision := {{"action": "allow", "rule": "test/{0}", "reason": "number {0}"}}'
    " if input.query.name\n"
)
BROKEN = ("package dnspolicy\n\ndecision := {", "package elsewhere\n", "package dnspolicy\n\ndecision := f(1)\n")


def put(path: Path, text: str) -> None:
    """At once, as an editor or a mounted ConfigMap does it."""
    new = path.with_name("new")
    new.write_text(text)
    new.replace(path)


def test_no_answer_is_lost_and_every_record_names_its_revision(tmp_path: Path) -> None:
    ip = own_ip()
    port = free_port(ip)
    for name in ("rules", "beside"):
        (tmp_path / name).mkdir()
        put(tmp_path / name / "rule.rego", RULE.format("start"))
    corefile = tmp_path / "Corefile"
    corefile.write_text(COREFILE.format(ip=ip, port=port, cache=100))

    async def story() -> Questions:
        said: list[str] = []
        app = App(read_plan(corefile, {}), clock=SystemClock(), out=said.append, err=said.append)
        await app.start()
        try:
            questions = await asking(ip, port)
            for number in range(CHANGES):
                await change(app, tmp_path / ("beside" if number % 4 == 3 else "rules") / "rule.rego", number)
                await questions.answers(20)
            await questions.end()
            return questions
        finally:
            await app.stop()

    questions = asyncio.run(story())
    assert set(questions.codes) == {"NOERROR"}
    assert questions.answered == questions.asked
    records = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    judged = [record for record in records if record["type"] in ("query", "repeat")]
    assert sum(record.get("count", 1) for record in judged) == questions.asked
    assert {record["origin"] for record in judged} == {"policy"}
    pairs = {(record["rule"], record["revision"]) for record in judged}
    assert len({revision for _, revision in pairs}) == len(pairs) == len({rule for rule, _ in pairs})
    assert {rule for rule, _ in pairs} == {"test/start", *(f"test/{n}" for n in range(CHANGES) if n % 4 in (0, 2))}


async def change(app: App, path: Path, number: int) -> None:
    """A new policy, the second of four a broken one, and until the server has taken it over or refused it."""
    metrics = {metric.name: metric for metric in app.parts.metrics.collect()}
    shown = [metrics[f"dnspolicy_policy_{name}"] for name in ("info", "candidate_info", "reload_failed_total")]
    before = [dict(metric.values) for metric in shown]  # type: ignore[attr-defined]
    put(path, BROKEN[number // 4 % len(BROKEN)] if number % 4 == 1 else RULE.format(number))
    async with asyncio.timeout(PATIENCE):
        while [dict(metric.values) for metric in shown] == before:  # type: ignore[attr-defined] # noqa: ASYNC110
            await asyncio.sleep(0.005)
