"""Policies that choose endpoints of one service narrow one another, in one order, and never to nothing."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from dnspolicy.model.verdict import Action, Verdict
from tests.unit.policies.library import POLICIES, Document, Library, pod, question, service
from tests.unit.policies.opa import decisions

CHOOSING = ("sharding", "rolling-upgrade", "closest", "least-loaded")
"""In the order in which they come, by label."""
SITE = Path(__file__).parent / "choices"
"""A policy of somebody's own that takes the first step."""
ROW = {"version": "2.0.0", "percent": 20}
MOVED, STAYED = {"bucket": 19}, {"bucket": 20}
#            name    version zone     node  shard load
ENDPOINTS = [("a", "1.4.0", "north", "n1", "0", 10),
             ("b", "1.4.0", "north", "n2", "1", 20),
             ("c", "1.4.0", "south", "s1", "0", 30),
             ("d", "2.0.0", "north", "n1", "0", 90),
             ("e", "2.0.0", "north", "n2", "0", 50),
             ("f", "2.0.0", "north", "n2", "1", 55),
             ("g", "2.0.0", "south", "s1", "1", 5)]  # fmt: skip


def folders(*names: str) -> list[Path]:
    return [POLICIES / name for name in ("lib", *names)]


def ready(only: str = "abcdefg") -> list[Document]:
    return [
        {
            "ip": f"10.1.0.{name}".replace(name, str(ord(name) - 96)), "hash": (at + 1) * 715_827_883 % 2**32,
            "pod": name, "node": node, "zone": zone,
            "labels": {"app.kubernetes.io/version": version, "dns.example/shard": shard, "track": name},
        }
        for at, (name, version, zone, node, shard, _) in enumerate(ENDPOINTS)
        if name in only
    ]  # fmt: skip


def data(**least_loaded: Any) -> Document:
    return {
        "rolling_upgrade": {"services": {"shop/db": ROW}},
        "least_loaded": {"source": "prometheus", "tolerance": 10, "floor": 1, **least_loaded},
        "load": {"numbers": {"shop": {name: load for name, *_, load in ENDPOINTS}}},
        "closest": {"floor": 1},
    }


def asked(client: Document, only: str = "abcdefg", **labels: str) -> Document:
    wanted = {f"dns.example/{key.replace('_', '-')}": value for key, value in labels.items()}
    target = service("shop") | {"labels": wanted, "endpoints": ready(only)}
    place = {"node": "n1", "zone": "north", "labels": {"dns.example/shard": "0"}}
    return question(pod("shop") | place | client, "db.shop.svc.cluster.local", target)


def names(verdict: Verdict | None) -> str:
    assert verdict is not None
    assert verdict.action is Action.REDIRECT
    return "".join(chr(96 + int(ip.rsplit(".", 1)[1])) for ip in verdict.endpoints)


ALL_FOUR = {"closest": "zone", "least_loaded": "cut", "sharding": "label"}


@pytest.mark.parametrize(
    ("loaded", "client", "labels", "given", "reason"),
    [
        (CHOOSING[1:], MOVED, {"closest": "zone", "least_loaded": "cut"}, "ef",
         "of 7 endpoints: 4 by upgrade/next, 3 by near/zone, 2 by load/least"),
        (CHOOSING[1:], STAYED, {"closest": "zone", "least_loaded": "cut"}, "a",
         "of 7 endpoints: 3 by upgrade/current, 2 by near/zone, 1 by load/least"),
        (CHOOSING[1:], MOVED | {"zone": "south", "node": "s9"}, {"closest": "zone", "least_loaded": "cut"}, "g",
         "of 7 endpoints: 4 by upgrade/next, 1 by near/zone, 1 by load/least"),
        (CHOOSING, MOVED, ALL_FOUR, "e",
         "of 7 endpoints: 4 by shard/label, 2 by upgrade/next, 2 by near/zone, 1 by load/least"),
        (("closest", "least-loaded"), MOVED, {"closest": "order", "least_loaded": "order"}, "adbefgc",
         "of 7 endpoints: 7 by near/all, 7 by load/order"),
        (("closest", "least-loaded"), MOVED, {"closest": "zone", "least_loaded": "order"}, "abefd",
         "of 7 endpoints: 5 by near/zone, 5 by load/order"),
        (("rolling-upgrade", "closest"), MOVED, {"closest": "node"}, "d",
         "of 7 endpoints: 4 by upgrade/next, 1 by near/node"),
        (("rolling-upgrade", "closest"), MOVED, {}, "defg", "endpoints of the client's version"),
    ],
)  # fmt: skip
def test_each_chooses_from_what_those_before_it_left(
    loaded: tuple[str, ...], client: Document, labels: dict[str, str], given: str, reason: str
) -> None:
    verdict = Library(folders(*loaded), data()).decide(asked(client, **labels))
    assert verdict is not None
    if "load/least" in reason and len(given) > 1:
        assert set(names(verdict)) == set(given)
    else:
        assert names(verdict) == given
    assert verdict.reason == reason
    assert verdict.ttl == 5


@pytest.mark.parametrize(
    ("only", "client", "given", "reason"),
    [
        ("cf", MOVED, "c", "of 2 endpoints: 1 by shard/label, 1 by near/all, 1 by load/least"),
        ("bcg", MOVED, "c", "of 3 endpoints: 1 by shard/label, 1 by near/all, 1 by load/least"),
        ("ag", MOVED, "a", "of 2 endpoints: 1 by shard/label, 1 by near/zone, 1 by load/least"),
    ],
    ids=["the shard before the version", "the shard before the zone", "all of one version"],
)
def test_what_would_leave_nothing_is_passed_over(only: str, client: Document, given: str, reason: str) -> None:
    verdict = Library(folders(*CHOOSING), data()).decide(asked(client, only, **ALL_FOUR))
    assert verdict is not None
    assert (names(verdict), verdict.reason) == (given, reason)


def test_the_own_endpoint_is_one_of_the_zone_and_the_load_decides_between_two() -> None:
    tables = data() | {"sharding": {"services": {"shop/db": {"copies": 2}}}}
    library = Library(folders(*CHOOSING), tables)
    for number in range(40):
        client = {"hash": number * 97_531_111 % 2**32, "bucket": 0}
        labels = {"sharding": "hash", "closest": "zone", "least_loaded": "order"}
        verdict = library.decide(asked(client, **labels))
        alone = Library(folders("sharding"), tables).decide(asked(client, "def", sharding="hash"))
        assert sorted(names(verdict)) == sorted(names(alone))
        loads = {name: load for name, *_, load in ENDPOINTS}
        first, second = tuple(names(verdict))
        assert loads[first] < loads[second] + 10


def test_unknown_load_leaves_the_order_of_the_others() -> None:
    tables = data() | {"load": {}}
    verdict = Library(folders(*CHOOSING[1:]), tables).decide(asked(MOVED, closest="order", least_loaded="order"))
    assert verdict is not None
    assert verdict.rule == "load/stale"
    alone = Library(folders(*CHOOSING[1:3]), tables).decide(asked(MOVED, closest="order"))
    assert names(verdict) == names(alone)


def test_a_policy_of_ones_own_takes_the_first_step() -> None:
    library = Library([*folders(*CHOOSING[1:]), SITE], data())
    verdict = library.decide(asked(MOVED, closest="zone"))
    assert verdict is not None
    assert names(verdict) == "e"
    assert verdict.reason == "of 7 endpoints: 3 by site/tested, 1 by upgrade/next, 1 by near/zone"


@pytest.mark.parametrize(
    ("shadow", "given", "said"),
    [("near/zone", "g", ["near/zone"]), ("upgrade/next", "a", ["upgrade/next"]), ("load/order", "edf", ["load/order"])],
)
def test_a_choice_in_shadow_takes_no_part(shadow: str, given: str, said: list[str]) -> None:
    rules = {"rollout": {"rules": {shadow: {"mode": "shadow"}}}}
    library = Library([*folders(*CHOOSING[1:]), POLICIES / "roll-out"], data() | rules)
    verdict = library.decide(asked(MOVED, closest="zone", least_loaded="order"))
    assert verdict is not None
    assert [would.rule for would in verdict.shadow] == said
    assert set(names(verdict)) >= set(given)
    assert shadow not in verdict.reason


def test_an_alias_of_a_version_comes_before_endpoints() -> None:
    tables = data() | {"rolling_upgrade": {"services": {"shop/db": ROW | {"service": "db-v2"}}}}
    verdict = Library(folders(*CHOOSING), tables).decide(asked(MOVED, **ALL_FOUR))
    assert verdict is not None
    assert (verdict.rule, str(verdict.cname)) == ("upgrade/next", "db-v2.shop.svc.cluster.local")


def some(seed: int) -> list[Document]:
    """Questions by chance: of services whose labels ask for this and that, with some of the endpoints."""
    chance = Random(seed)
    found = []
    for _ in range(120):
        only = "".join(name for name, *_ in ENDPOINTS if chance.random() < 0.7)
        labels = {
            "closest": chance.choice(["zone", "node", "order", "off"]),
            "least_loaded": chance.choice(["cut", "order", "off"]),
            "sharding": chance.choice(["hash", "label", "off"]),
        }
        client = {
            "bucket": chance.randrange(40),
            "hash": chance.getrandbits(32),
            "zone": chance.choice(["north", "south", "west"]),
            "node": chance.choice(["n1", "n2", "s1", "w1"]),
            "labels": chance.choice([{}, {"dns.example/shard": "1"}, {"dns.example/version": "1"}]),
        }
        found.append(asked(client, only, **labels))
    return found


@pytest.mark.parametrize("loaded", [c for size in (2, 3, 4) for c in combinations(CHOOSING, size)], ids="+".join)
def test_whatever_is_asked_something_is_left(loaded: tuple[str, ...]) -> None:
    library = Library(folders(*loaded), data())
    for document in some(len(loaded)):
        verdict = library.decide(document)
        here = {endpoint["ip"] for endpoint in document["target"]["endpoints"]}
        if verdict is not None and verdict.action is Action.REDIRECT:
            assert verdict.endpoints
            assert set(verdict.endpoints) <= here
            assert len(set(verdict.endpoints)) == len(verdict.endpoints)


@pytest.mark.real("opa")
@pytest.mark.parametrize("tolerance", [10, 0.1, 7.3])
def test_both_engines_choose_alike(tolerance: float, tmp_path: Path) -> None:
    chance = Random(str(tolerance))
    tables = data(tolerance=tolerance)
    loads = {name: round(chance.random() * tolerance * 3, chance.choice([1, 3, 6, 12])) for name, *_ in ENDPOINTS}
    tables["load"] = {"numbers": {"shop": loads}}
    documents = some(7)
    library = Library(folders(*CHOOSING), tables)
    ours = [library.evaluate("data.dnspolicy.decision", document) for document in documents]
    theirs = decisions(folders(*CHOOSING), tables, documents, tmp_path)
    assert [None if one is None else msgspec.json.decode(one) for one in ours] == theirs
    assert sum(one is not None for one in ours) > 100
