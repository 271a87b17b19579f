"""The policies that come with the server: their own tests, and what they do together."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from dnspolicy.engines.rego import load
from dnspolicy.model.verdict import Action, BlockAs
from tests.unit.policies.library import (
    CLUSTER,
    FILTERS,
    LOAD,
    NAMES,
    OUTSIDE,
    POLICIES,
    QUICKSTART,
    Document,
    Library,
    answered,
    pod,
    question,
    rules_in,
    sample,
    service,
)

LIB = POLICIES / "lib"
EVERY = (*NAMES, *CLUSTER, *FILTERS, *LOAD)
CLOCKS = {"exceptions", "least-loaded"}
"""Policies that read the clock."""
FOLDERS = [LIB, *(POLICIES / name for name in EVERY)]
ALL = [LIB, *(POLICIES / name for name in NAMES)]
DEMO = [*ALL, QUICKSTART]
SUBSETS = [names for size in range(4) for names in combinations(NAMES, size)]
SUBSETS += [subset for name in CLUSTER for subset in ((name,), (*NAMES, name))] + [(*NAMES, *CLUSTER)]
SUBSETS += [subset for name in (*FILTERS[:-1], *LOAD) for subset in ((name,), (*NAMES, name))]
SUBSETS += [("rpz", "rpz-clients"), EVERY]
ACORN = {"dns.example/tenant": "acorn", "dns.example/environment": "dev"}
NOBODY: Document = {"kind": "unknown", "why": "", "ip": "192.0.2.1", "bucket": 7, "hash": 1}
BIRCH = {"dns.example/tenant": "birch", "dns.example/environment": "prod"}


READS: dict[str, set[tuple[str, ...]]] = {
    "tenant-isolation": {("kind",), ("namespace",), ("namespace_labels", "dns.example/tenant")},
    "environments": {("labels", "track"), ("namespace_labels", "dns.example/environment")},
    "blocklist": {("namespace",)},
    "closest": {("zone",), ("node",)},
    "rbac": {("kind",), ("namespace",), ("service_account",)},
    "rolling-upgrade": {("namespace",), ("bucket",), ("labels", "dns.example/version")},
    "service-chain": {("namespace",), ("service_account",)},
    "sharding": {("hash",), ("labels", "dns.example/shard")},
    "egress": {("namespace",)},
    "exceptions": {("namespace",)},
    "bypass": {("namespace",)},
    "types": {("namespace",)},
    "rpz": set(),
    "rpz-clients": {("ip",)},
    "least-loaded": {("node",)},
}
"""Facts of the client, as the page of each policy says."""


def everything() -> Library:
    return Library(ALL, {key: table for name in NAMES for key, table in sample(name).items()})


@pytest.mark.parametrize(
    ("folder", "rule", "beside"),
    [(folder, rule, FOLDERS) for folder in FOLDERS for rule in rules_in(folder)]
    + [(QUICKSTART, rule, DEMO) for rule in rules_in(QUICKSTART)],
    ids=lambda value: (
        value.name if isinstance(value, Path) else "" if isinstance(value, list) else value.split(".")[-1]
    ),
)
def test_the_own_tests_of_a_policy_pass_beside_all_others(folder: Path, rule: str, beside: list[Path]) -> None:
    library = Library(beside, {})
    assert library.evaluate(rule, {}) == "true"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_folder_has_tests_and_they_need_only_the_library(folder: Path) -> None:
    rules = rules_in(folder)
    library = Library({LIB: None, folder: None}, {})
    assert rules
    assert [rule for rule in rules if library.evaluate(rule, {}) != "true"] == []


@pytest.mark.parametrize("names", SUBSETS[1:], ids="+".join)
def test_any_subset_is_accepted_and_reads_no_more_than_it_says(names: tuple[str, ...]) -> None:
    loaded = load([LIB, *(POLICIES / name for name in names)], isolated=False)
    known = set[tuple[str, ...]]().union(*(READS[name] for name in names))
    assert loaded.footprint.timeless is not bool(CLOCKS & set(names))
    assert loaded.footprint.client_facts() == known


REQUESTS: dict[str, Document] = {
    "own": question(pod("acorn", ACORN), "db.acorn.svc.cluster.local", service("acorn", ACORN)),
    "other": question(pod("acorn", ACORN), "db.birch.svc.cluster.local", service("birch", BIRCH)),
    "outside": question(pod("acorn", ACORN), "www.shop.example", OUTSIDE),
    "environment": question(pod("acorn", ACORN), "orders-db.internal.example", OUTSIDE),
    "zone": question(pod("acorn", ACORN), "git.corp.example", OUTSIDE),
    "listed": question(pod("acorn", ACORN), "a.c2.example", OUTSIDE),
    "shadow": question(pod("acorn", ACORN), "a.dyn.example", OUTSIDE),
    "nobody": question(NOBODY, "db.acorn.svc.cluster.local", service("acorn")),
    "root": question(pod("acorn", ACORN), "", {"kind": "external"}),
}


@pytest.mark.parametrize("names", SUBSETS, ids="+".join)
@pytest.mark.parametrize("document", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("data", [True, False], ids=["data", "no data"])
def test_any_subset_decides_or_says_nothing(names: tuple[str, ...], document: Document, data: bool) -> None:
    tables = (
        {key: table for name in names if name != "rpz-clients" for key, table in sample(name).items()} if data else {}
    )
    library = Library([LIB, *(POLICIES / name for name in names)], tables)
    for phase in (document, answered(document, "203.0.113.5")):
        verdict = library.decide(phase)
        assert verdict is not None or "tenant-isolation" not in names
        assert verdict is None or not data or not CLOCKS & set(names) or verdict.ttl is not None


@pytest.mark.parametrize(
    "target",
    [
        service("birch", BIRCH),
        service("birch", BIRCH, "there-is-no") | {"exists": False},
        service("no-such-namespace") | {"exists": False},
        {"kind": "none", "namespace": "birch", "namespace_labels": BIRCH},
        {"kind": "pod", "namespace": "birch"},
    ],
    ids=["there", "no service", "no namespace", "too many labels", "pod"],
)
def test_no_policy_tells_what_another_tenant_has(target: Document) -> None:
    verdict = everything().decide(question(pod("acorn", ACORN), "db.birch.svc.cluster.local", target))
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.BLOCK, "tenant/other")
    assert verdict.reason == "another tenant's or nobody's"


def test_own_tenant_other_environment() -> None:
    other = service("acorn-prod", {"dns.example/tenant": "acorn", "dns.example/environment": "prod"})
    verdict = everything().decide(question(pod("acorn", ACORN), "db.acorn-prod.svc.cluster.local", other))
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.BLOCK, "environment/other")


def test_a_listed_name_wins_over_an_answer_of_an_environment() -> None:
    tables = {key: table for name in NAMES for key, table in sample(name).items()}
    tables["blocklist"]["names"]["orders-db.internal.example"] = "retired"
    verdict = Library(ALL, tables).decide(REQUESTS["environment"])
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.BLOCK, "blocklist/retired")


def test_an_infra_name_that_is_listed_is_blocked() -> None:
    tables = {key: table for name in NAMES for key, table in sample(name).items()}
    tables["tenant_isolation"]["infra"]["names"]["a.c2.example"] = True
    document = REQUESTS["listed"] | {"client": NOBODY | {"kind": "host"}}
    verdict = Library(ALL, tables).decide(document)
    assert verdict is not None
    assert (verdict.action, verdict.rule, verdict.block_as) == (Action.BLOCK, "blocklist/malware", BlockAs.SINKHOLE)


def test_shadow_is_told_beside_the_decision() -> None:
    verdict = everything().decide(REQUESTS["shadow"])
    assert verdict is not None
    assert (verdict.action, verdict.rule) == (Action.ALLOW, "tenant/external")
    assert [(would.action, would.rule) for would in verdict.shadow] == [(Action.BLOCK, "blocklist/dynamic-dns")]


def test_an_answer_that_leads_inside() -> None:
    verdict = everything().decide(answered(REQUESTS["outside"], "203.0.113.5", "::ffff:10.0.0.7"))
    assert verdict is not None
    assert (verdict.action, verdict.rule, verdict.block_as) == (Action.BLOCK, "blocklist/address", BlockAs.NODATA)
    assert verdict.reason == "an outside name leads to ::ffff:10.0.0.7 in 10.0.0.0/8"


CHOICES: dict[str, Document] = {
    "environments": {"environments": {"namespaces": {"shop": {"dev": "shop-dev"}}}},
    "closest": {},
    "least-loaded": {"least_loaded": {"services": {"shop/db": {"mode": "order"}}}},
    "sharding": {"sharding": {"services": {"shop/db": {"mode": "hash"}}}},
    "rolling-upgrade": {"rolling_upgrade": {"services": {"shop/db": {"version": "2.0.0", "percent": 100}}}},
    "service-chain": {"service_chain": {"chains": {"shop/db": ["shop/scan"]}, "intermediaries": {"shop/scan": {}}}},
}


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (("rolling-upgrade",), "upgrade/next"),
        (("sharding", "environments"), "environment/dev"),
        (("rolling-upgrade", "sharding", "closest", "environments"), "environment/dev"),
        (tuple(CHOICES), "chain/next"),
        ((*CHOICES, "tenant-isolation"), "chain/next"),
        ((*CHOICES, "rbac"), "rbac/denied"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
def test_what_leads_elsewhere_comes_before_a_choice_of_endpoints(names: tuple[str, ...], rule: str) -> None:
    data = {key: table for name in names for key, table in CHOICES.get(name, {}).items()}
    library = Library([LIB, *(POLICIES / name for name in names)], data)
    shop = {"dns.example/tenant": "acorn", "dns.example/environment": "prod"}
    ready = [{"ip": f"10.1.0.{n}", "hash": n * 1_000_003, "labels": {}, "zone": "north"} for n in range(3)]
    ready[0]["labels"] = {"app.kubernetes.io/version": "2.0.0"}
    target = service("shop", shop) | {"labels": {"dns.example/closest": "order"}, "endpoints": ready}
    client = pod("acorn", ACORN) | {"node": "n1", "zone": "north", "service_account": "web"}
    verdict = library.decide(question(client, "db.shop.svc.cluster.local", target))
    assert verdict is not None
    assert verdict.rule == rule
