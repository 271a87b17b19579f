"""`dnspolicy policy cost` on the policies and the cluster of the demo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dnspolicy.cli.main import main
from tests.unit.engines.rego_folders import ALLOW, write
from tests.unit.policies.library import POLICIES, ROOT

CLUSTER = ROOT / "examples" / "quickstart" / "cluster"
COREFILE = ROOT / "examples" / "quickstart" / "Corefile"


def said(capsys: pytest.CaptureFixture[str], *words: object) -> list[str]:
    assert main(["policy", "cost", *map(str, words)]) == 0
    return capsys.readouterr().out.splitlines()


def policy(folder: Path, condition: str) -> Path:
    title = "# METADATA\n# title: What it is\npackage dnspolicy\n"
    return write(folder, {"policy.rego": f"{title}decision := {ALLOW} if {{\n{condition}\n}}\n"})


@pytest.mark.parametrize(
    ("condition", "line"),
    [
        ("input.query.name", "classes    nothing: all clients are one class"),
        ("input.client.labels.app", "classes    client.labels.app"),
        ('input.client.labels["a/b"]', 'classes    client.labels["a/b"]'),
        ("input.query.name", "time       no clock is read: a decision holds until policy, data or cluster change"),
        ("time.now_ns() > 1", "time       the clock is read: a decision holds for its ttl, and without one"),
        ("input.query.name", "phases     query only: asked once a query"),
        ("input.answer.rcode", "phases     query and response: asked twice a query"),
        ("input.query.name", "endpoints  not read"),
        ("count(input.target.endpoints) > 1", "endpoints  read: each question brings them along"),
        ("input.query.name", "policies   What it is"),
        ("input.query.name", "reads      input.query.name"),
    ],
)  # fmt: skip
def test_what_is_read(condition: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, policy(tmp_path, condition))
    assert [text for text in lines if text.startswith(line)], lines
    assert not [text for text in lines if text.startswith("cluster")]


@pytest.mark.parametrize("where", [("--cluster", CLUSTER), ("--conf", COREFILE)], ids=["manifests", "Corefile"])
def test_classes_of_a_cluster(where: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = policy(tmp_path, "input.client.namespace\ninput.client.kind\ninput.client.pod")
    lines = said(capsys, folder, *where)
    assert f"cluster    {where[1]}: 9 classes for 9 clients; the largest has 1" in lines
    assert "           client.pod multiplies 5 → 9 (7 values)" in lines
    assert "           adds nothing beside the others here: client.kind" in lines
    assert "memory     a name that all of them ask for: 9 finished answers, about 27 KiB" in lines


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = (POLICIES / "lib", POLICIES / "tenant-isolation", "--cluster", CLUSTER, "--format", "json")
    document = json.loads("\n".join(said(capsys, *words)))
    assert document["client_facts"] == [
        "client.kind",
        "client.namespace",
        'client.namespace_labels["dns.example/tenant"]',
    ]
    assert (document["timeless"], document["response_phase"], document["endpoints"]) == (True, False, False)
    cluster = document["cluster"]
    assert (cluster["clients"], cluster["classes"], cluster["memo_bytes_per_name"]) == (9, 5, 5 * 3072)
    assert cluster["facts"][0] == {"fact": "client.namespace", "values": 5, "classes_without": 4}


def test_what_cannot_be_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = policy(tmp_path / "good", "input.query.name"), policy(tmp_path / "bad", "x +")
    assert main(["policy", "cost", str(bad)]) == 1
    assert main(["policy", "cost", str(good), "--cluster", str(tmp_path / "none")]) == 2
    corefile = tmp_path / "Corefile"
    corefile.write_text(". {\n    hosts\n}\n")
    assert main(["policy", "cost", str(good), "--conf", str(corefile)]) == 2
    assert capsys.readouterr().err.endswith("no `kubernetes` here, so there is no cluster to count in\n")
