"""Records of a real server, judged again: nothing changes with the same policy, and what another changes is listed."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import dnspolicy
from dnspolicy.app.app import App
from dnspolicy.app.reading import read_plan
from dnspolicy.audit import record as rec
from dnspolicy.audit.render import Renderer
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.observer import Outcome
from dnspolicy.cli.explain import following
from dnspolicy.cli.main import main
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import type_number
from dnspolicy.model.verdict import AuditLevel

ROOT = Path(dnspolicy.__file__).parent.parent
QUICKSTART = ROOT / "examples" / "quickstart"
POLICIES = [
    *(str(ROOT / "policies" / name) for name in ("lib", "tenant-isolation", "environments", "blocklist")),
    str(QUICKSTART / "policies"),
]
CLUSTER = str(QUICKSTART / "cluster")
LABELS = ("dns.example/tenant", "dns.example/shared", "dns.example/environment", "track", "quarantine")
NAMES = (
    "db.acorn.svc.cluster.local", "web.birch.svc.cluster.local", "registry.platform.svc.cluster.local",
    "nothing.birch.svc.cluster.local", "www.shop.example", "orders-db.internal.example", "www.example", "promo.example",
)  # fmt: skip
QUARANTINED = """
package dnspolicy

candidates contains {"tier": "admin", "action": "block", "rule": "site/closed", "reason": "closed"} if {
	input.query.suffixes[_] == "birch.svc.cluster.local"
}
"""


async def _outcomes() -> list[Outcome]:
    app = App(read_plan(QUICKSTART / "Corefile", {}, 5353), clock=SystemClock(), out=print, err=print, memo=False)
    found = []
    async with following(app):
        for source in [*_addresses(app), "192.0.2.77"]:
            for name in NAMES:
                for qtype in ("A", "TXT"):
                    asked = from_text(name)
                    outcome = await app.ask(Query(asked, type_number(qtype), asked), source)
                    assert outcome is not None
                    found.append(outcome)
    return found


def _addresses(app: App) -> list[str]:
    texts = [path.read_text() for path in sorted((QUICKSTART / "cluster").glob("*.yaml"))]
    lines = (line for text in texts for line in text.splitlines() if "podIP" in line)
    found = {word.strip('"{}[],') for line in lines for word in line.split() if word.strip('"{}[],').count(".") == 3}
    return sorted(address for address in found if app.view.identify(address).pod is not None)


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return asyncio.run(_outcomes())


def write(path: Path, outcomes: list[Outcome], level: AuditLevel, labels: tuple[str, ...] = LABELS) -> Path:
    start = rec.StartRecord(
        version=1, instance="i", seq=0, time="2026-01-01T00:00:00.000000Z", program="", level=level, labels=labels
    )  # fmt: skip
    renderer = Renderer(level, "i", labels)
    made = [renderer.query(outcome, number) for number, outcome in enumerate(outcomes, 1)]
    path.write_bytes(b"".join(rec.encode(line) for line in (start, *made) if line is not None))
    return path


def replay(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["policy", "replay", *words, "-f", "json"])
    return code, json.loads(capsys.readouterr().out or "{}")


def test_the_same_policy_changes_nothing(
    outcomes: list[Outcome], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever was judged: services, outside names, aliases, answers, by pods and by nobody."""
    records = write(tmp_path / "audit.jsonl", outcomes, AuditLevel.FULL)
    code, found = replay(capsys, str(records), "--candidate", *POLICIES)
    assert found["rows"] == []
    assert code == 0
    kinds = {judgement.verdict.action for outcome in outcomes for judgement in outcome.judgements}
    assert len(kinds) >= 2
    assert found["judged"] >= 0.9 * found["queries"] > 50
    assert found["not_judged"] == {}


def test_another_policy_is_said_to_block_what_it_blocks(
    outcomes: list[Outcome], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = write(tmp_path / "audit.jsonl", outcomes, AuditLevel.FULL)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "closed.rego").write_text(QUARANTINED)
    words = [str(records), "--candidate", *POLICIES, str(tmp_path / "site")]
    code, found = replay(capsys, *words)
    assert code == 1
    assert {row["rule"] for row in found["rows"]} == {"site/closed"}
    assert {row["change"] for row in found["rows"]} <= {"ALLOW→BLOCK", "BLOCK→BLOCK"}
    assert {row["namespace"] for row in found["rows"]} >= {"birch"}
    assert all(row["name"].endswith("birch.svc.cluster.local") for row in found["rows"])
    assert replay(capsys, *words, "--fail-on", "opened")[0] == 0
    assert replay(capsys, *words, "--fail-on", "closed")[0] == 1


def test_what_records_do_not_hold_is_named_and_a_cluster_fills_it_in(
    outcomes: list[Outcome], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = write(tmp_path / "audit.jsonl", outcomes, AuditLevel.FULL, labels=())
    code, found = replay(capsys, str(records), "--candidate", *POLICIES)
    reasons = " ".join(found["not_judged"])
    assert code == 0
    assert found["judged"] < found["queries"]
    assert "client.namespace_labels.dns.example/tenant" in reasons
    code, found = replay(capsys, str(records), "--candidate", *POLICIES, "--cluster", CLUSTER)
    assert (code, found["rows"]) == (0, [])
    assert found["judged"] >= 0.9 * found["queries"]


def test_records_of_level_metadata_are_judged_as_far_as_they_go(
    outcomes: list[Outcome], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = write(tmp_path / "audit.jsonl", outcomes, AuditLevel.METADATA)
    rule = 'package dnspolicy\n\ndecision := {"action": "allow", "rule": "new/all", "reason": "all"}\n'
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "rule.rego").write_text(rule)
    code, found = replay(capsys, str(records), "--candidate", str(tmp_path / "new"))
    assert code == 1
    assert {row["change"] for row in found["rows"]} <= {"BLOCK→ALLOW", "REDIRECT→ALLOW", "REWRITE→ALLOW"}
    assert found["judged"] > 0.5 * found["queries"]
    code, found = replay(capsys, str(records), "--candidate", *POLICIES)
    assert (code, found["judged"]) == (2, 0)  # it reads answers and targets, which such records do not hold


CLOCK = 'package dnspolicy\n\ndecision := {"action": "allow", "rule": "r", "reason": "r"} if time.now_ns() > 0\n'


def test_a_policy_that_reads_the_clock_is_not_guessed(
    outcomes: list[Outcome], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = write(tmp_path / "audit.jsonl", outcomes, AuditLevel.METADATA)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "rule.rego").write_text(CLOCK)
    code, found = replay(capsys, str(records), "--candidate", str(tmp_path / "new"))
    assert code == 2
    assert [why for why in found["not_judged"] if "clock" in why]
    assert replay(capsys, str(records), "--candidate", str(tmp_path / "new"), "--now")[1]["judged"] > 0


@pytest.mark.parametrize(
    "words", [("no-such-file", "--candidate", POLICIES[0]), ("records", "--candidate", "/nowhere")]
)
def test_what_cannot_be_read_is_exit_code_2(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "records").write_text("")
    assert main(["policy", "replay", *words]) == 2


def test_repeats_count_for_all_they_stand_for_in_packed_files_too(
    outcomes: list[Outcome], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = write(tmp_path / "audit.jsonl", outcomes[:1], AuditLevel.FULL).read_bytes().splitlines()
    repeat = json.loads(plain[1]) | {
        "type": "repeat", "count": 41, "first": "2026-01-01T00:00:00.000000Z", "last": "2026-01-01T00:00:04.000000Z"
    }  # fmt: skip
    packed = tmp_path / "audit.jsonl.1.gz"
    packed.write_bytes(gzip.compress(b"\n".join([*plain, json.dumps(repeat).encode(), b"{cut", b""])))
    code, found = replay(capsys, str(packed), "--candidate", *POLICIES)
    assert code == 0
    assert (found["queries"], found["unreadable"]) == (42, 1)


@pytest.mark.parametrize(
    ("lines", "words", "code"),
    [
        pytest.param("torn\n{}\n", (), 2, id="not one record"),
        pytest.param("", (), 0, id="an empty file"),
        pytest.param(None, ("--strict",), 2, id="one that is torn, strictly"),
        pytest.param(None, (), 0, id="one that is torn"),
    ],
)
def test_missing_records_are_no_good_news(
    outcomes: list[Outcome], tmp_path: Path, lines: str | None, words: tuple[str, ...], code: int
) -> None:
    path = write(tmp_path / "audit.jsonl", outcomes, AuditLevel.FULL)
    path.write_text(path.read_text() + "{torn\n" if lines is None else lines)
    assert main(["policy", "replay", str(path), "--candidate", *POLICIES, "--fail-on", "none", *words]) == code
