"""What rules in shadow and the candidate would have done, counted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dnspolicy.audit import record as rec
from dnspolicy.audit.render import Fold, Renderer
from dnspolicy.cli.main import main
from dnspolicy.cli.policy import counting
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.verdict import Action, AuditLevel, Beside, Would
from tests.unit.audit.audit_outcomes import WALL, judged, outcome, query, verdict

RENDERER = Renderer(AuditLevel.METADATA, "i")
SHADOW = verdict(shadow=(Would(Action.BLOCK, "site/new", "on trial"),))


def candidate() -> Beside:
    beside = Beside()
    beside.known, beside.would = True, Would(Action.REDIRECT, "next/all", "why", candidate=True, revision="abc")
    return beside


def records(folder: Path) -> str:
    """Three queries and 9 repeats under a rule in shadow, one that the candidate would redirect, one plain one."""
    made = [
        RENDERER.query(outcome(SHADOW), 1),
        RENDERER.query(
            outcome(query=query("other.shop"), judgements=(judged(SHADOW, "other.shop"),), wall=WALL + 3600), 2
        ),
        RENDERER.query(outcome(SHADOW, identity=Identity(ClientKind.HOST, "", "10.0.0.1")), 3),
        RENDERER.repeat(Fold(outcome(SHADOW), 9, WALL + 1, WALL + 5, 0.1), 4),
        RENDERER.query(outcome(verdict(beside=candidate())), 5),
        RENDERER.query(outcome(verdict()), 6),
    ]
    path = folder / "audit.jsonl"
    path.write_bytes(b"".join(rec.encode(line) for line in made if line is not None) + b"{torn\n")
    return str(path)


def report(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = main(["policy", "shadow-report", *words, "-f", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_everything_is_counted_with_its_repeats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = report(capsys, records(tmp_path))
    assert code == 0
    assert (found["queries"], found["otherwise"], found["unreadable"]) == (14, 13, 1)
    assert found["revisions"] == {"in_force": ["sha256:1"], "candidate": ["abc"]}
    assert [(row["from"], row["would"], row["rule"], row["namespace"], row["queries"]) for row in found["rows"]] == [
        ("rule", "block", "site/new", "shop", 10),
        ("candidate", "redirect", "next/all", "shop", 1),
        ("rule", "block", "site/new", "(host)", 1),
        ("rule", "block", "site/new", "shop", 1),
    ]


@pytest.mark.parametrize(
    ("words", "queries"),
    [
        pytest.param(("--from", "candidate"), 1, id="candidate"),
        pytest.param(("--from", "rule"), 12, id="rule"),
        pytest.param(("--would", "redirect"), 1, id="would"),
        pytest.param(("--rule", "site/new"), 12, id="rule by name"),
        pytest.param(("--namespace", "shop", "--rule", "site/new"), 11, id="namespace"),
        pytest.param(("--since", "2026-01-01T00:30:00Z"), 1, id="since"),
        pytest.param(("--until", "2025-12-31T00:00:00Z"), 0, id="until"),
    ],
)
def test_it_can_be_narrowed_down(
    words: tuple[str, ...], queries: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = report(capsys, records(tmp_path), *words)
    assert sum(row["queries"] for row in found["rows"]) == queries


@pytest.mark.parametrize(
    ("words", "code"), [(("block",), 1), (("redirect",), 1), (("allow",), 0), (("allow", "block"), 1)], ids=str
)
def test_a_pipeline_may_fail_on_what_it_finds(
    words: tuple[str, ...], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [option for word in words for option in ("--fail-on", word)]
    assert report(capsys, records(tmp_path), *options)[0] == code


def test_the_table_is_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "shadow-report", records(tmp_path), "--top", "1"]) == 0
    shown = capsys.readouterr()
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["rule", "block", "site/new", "12", "2", "2"] in lines
    assert "3 rows more" in shown.out
    assert "left out 1 of 7 lines" in shown.err


def test_what_a_client_chose_is_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = RENDERER.query(outcome(SHADOW), 1)
    assert line is not None
    odd = msgspec.structs.replace(line.would[0], name="a\x1b[31m\u202e")
    (tmp_path / "odd").write_bytes(rec.encode(msgspec.structs.replace(line, would=(odd,))))
    assert main(["policy", "shadow-report", str(tmp_path / "odd")]) == 0
    shown = capsys.readouterr().out
    assert "site/new" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_names_without_end_are_counted_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST", 1)
    _, found = report(capsys, records(tmp_path), "--from", "rule", "--namespace", "shop")
    assert [(row["name"], row["queries"]) for row in found["rows"]] == [
        ("api.shop.svc.cluster.local", 10),
        (counting.OTHERS, 1),
    ]


def test_no_file_is_exit_code_2(tmp_path: Path) -> None:
    assert main(["policy", "shadow-report", str(tmp_path / "absent")]) == 2


def test_no_record_at_all_is_no_good_news(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").write_text("torn\n{}\n")
    assert main(["policy", "shadow-report", str(tmp_path / "audit.jsonl"), "--fail-on", "block"]) == 2


def test_what_a_record_says_of_revisions_and_times_is_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = RENDERER.query(outcome(SHADOW), 1)
    assert line is not None
    made = json.loads(rec.encode(line)) | {"revision": "\x1b[5m"}
    (tmp_path / "audit.jsonl").write_text(json.dumps(made) + "\n")
    assert main(["policy", "shadow-report", str(tmp_path / "audit.jsonl")]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\\x1b[5m" in shown


def test_a_damaged_archive_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = bytearray(gzip.compress(Path(records(tmp_path)).read_bytes()))
    packed[10] = 0xFF  # no kind of deflate block
    (tmp_path / "audit.gz").write_bytes(packed)
    assert main(["policy", "shadow-report", str(tmp_path / "audit.gz")]) == 2
    assert "cannot read" in capsys.readouterr().err
