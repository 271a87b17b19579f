"""All policies of the library in one server: what it takes to load them, and to decide."""

from __future__ import annotations

import time

from dnspolicy.engines.rego import RegoEngine, load
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.target import EXTERNAL
from dnspolicy.model.verdict import Action, Phase
from dnspolicy.policy.input import PolicyInput
from tests.unit.policies.library import OUTSIDE, POLICIES, Library, answered, pod, question, sample

FOLDERS = sorted({path.parent for path in POLICIES.glob("*/*.rego")})
TABLES = sorted(path.parent.parent.name for path in POLICIES.glob("*/sample/data.json"))


def test_every_folder_is_on_the_page() -> None:
    page = (POLICIES / "README.md").read_text()
    assert [folder.name for folder in FOLDERS if f"({folder.name}/README.md)" not in page] == []
    assert [folder.name for folder in FOLDERS if not (folder / "README.md").is_file()] == []


def test_all_together_are_accepted_and_decide_in_time() -> None:
    engine = RegoEngine(load(FOLDERS, isolated=False))
    client = Identity(ClientKind.POD, "", "10.0.0.1", namespace="acorn", pod="web-0")
    name = from_text("www.shop.example")
    asked = PolicyInput(Phase.QUERY, client, Query(name, 1, name), EXTERNAL)
    verdict = engine.decide_now(asked, time.monotonic() + 60)
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.ALLOW, "rbac/external")
    assert not engine.footprint.timeless


def test_all_together_with_their_samples_decide() -> None:
    data = {key: table for name in TABLES for key, table in sample(name).items()}
    library = Library(FOLDERS, data)
    rules = {}
    for namespace, name in (
        ("acorn", "www.shop.example"), ("acorn", "a.c2.example"), ("delta-lab", "sample.c2.example"),
        ("acorn", "dns.google"), ("acorn", "a.bad.example"), ("cedar-pay", "evil.example"),
    ):  # fmt: skip
        asked = question(pod(namespace), name, OUTSIDE)
        for document in (asked, answered(asked, "203.0.113.5")):
            verdict = library.decide(document)
            assert verdict is not None
            assert verdict.ttl is not None, "a decision that is not remembered"
            rules[namespace, name, document["phase"]] = verdict.rule
    assert rules["acorn", "a.c2.example", "query"] == "blocklist/malware"
    assert rules["delta-lab", "sample.c2.example", "query"] == "exception/EX-17"
    assert rules["acorn", "dns.google", "query"] == "bypass/provider"
    assert rules["acorn", "a.bad.example", "query"] == "rpz/malware"
    assert rules["cedar-pay", "evil.example", "query"] == "egress/other"
