"""The policies about the cluster decide alike in the embedded engine and in OPA, whatever they are asked."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from tests.unit.policies.library import CLUSTER, POLICIES, Document, Library, question, sample
from tests.unit.policies.opa import decisions

POLICY = (*CLUSTER, "tenant-isolation", "environments")
COUNT = 400
NAMESPACES = ["shop", "shop", "data", "security", "nowhere"]
NAMES = ["db", "api", "cache", "site"]
VERSIONS = ["1.4.2", "2.0.0", "v2.1", "2.0.0-rc.10", "2.0.0-rc.2", "01.2.3", "latest", "1", "1.2.3-", "10.0.0", ""]
LABELS = {
    "dns.example/tenant": ["acorn", "acorn.shop", "birch", ""],
    "dns.example/environment": ["prod", "dev", "lab"],
    "dns.example/closest": ["zone", "node", "order", "off"],
    "dns.example/sharding": ["hash", "label", "off"],
    "dns.example/shard": ["0", "1"],
    "dns.example/version": VERSIONS,
    "app.kubernetes.io/version": VERSIONS,
    "apps.kubernetes.io/pod-index": ["0", "1", "2"],
    "track": ["canary", "stable"],
}


ROLES: Document = {
    "clusterroles": {
        "view": {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "view"}}]}, "rules": None},
        "some": {
            "metadata": {"labels": {"to": "view"}},
            "rules": [{"apiGroups": [""], "resources": ["*"], "verbs": ["get"], "resourceNames": ["api", "db"]}],
        },
    },
    "clusterrolebindings": {
        "empty": {"roleRef": {"kind": "ClusterRole", "name": "view"}, "subjects": None},
        "shop": {
            "roleRef": {"kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "Group", "name": "system:serviceaccounts:shop"}],
        },
    },
}


class Chance:
    """Documents by chance; every key that may be absent sometimes is."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def document(self) -> Document:
        namespace, name = self._random.choice(NAMESPACES), self._random.choice(NAMES)
        kind = self._random.choice(["service"] * 5 + ["endpoint", "pod", "none", "external"])
        asked = f"{name}.{namespace}.svc.cluster.local"
        if kind != "service" or self._random.random() < 0.2:
            asked = self._random.choice(
                [f"_sql._tcp.{asked}", f"db-0.{asked}", "20.2.96.10.in-addr.arpa", "cluster.local", "www.shop.example"]
            )
        target = {"kind": kind} if kind == "external" else self._target(kind, namespace, name)
        found = question(self._client(), asked, target, type=self._random.choice(["A", "SRV", "AXFR"]))
        return found | {"phase": self._random.choice(["query"] * 4 + ["response"])}

    def _client(self) -> Document:
        kind = self._random.choice(["pod"] * 5 + ["host", "unknown"])
        always = {
            "kind": kind,
            "why": "",
            "ip": "10.1.2.3",
            "bucket": self._random.randrange(100),
            "hash": self._random.getrandbits(32),
        }
        known = {
            "namespace": self._random.choice(NAMESPACES),
            "service_account": self._random.choice(["web", "scanner", "recorder"]),
            "labels": self._labels(),
            "namespace_labels": self._labels(),
        }
        place = {"node": self._random.choice(["n1", "n2"]), "zone": self._random.choice(["north", "south"])}
        return always | self._some(place) | (self._some(known, 0.95) if kind == "pod" else {})

    def _target(self, kind: str, namespace: str, name: str) -> Document:
        known: Document = {
            "namespace": namespace,
            "name": name,
            "labels": self._labels(),
            "namespace_labels": self._labels(),
        }
        if kind == "service":
            known["endpoints"] = [self._endpoint(number) for number in range(self._random.randrange(6))]
        return {"kind": kind, "exists": True} | self._some(known, 0.95)

    def _endpoint(self, number: int) -> Document:
        known = {
            "pod": f"db-{number // 2}",
            "node": self._random.choice(["n1", "n2"]),
            "zone": self._random.choice(["north", "south"]),
            "labels": self._labels(),
        }
        return {"ip": f"10.1.0.{number}", "hash": self._random.getrandbits(32)} | self._some(known)

    def _labels(self) -> dict[str, str]:
        return self._some({key: self._random.choice(values) for key, values in LABELS.items()}, 0.4)

    def _some(self, known: dict[str, Any], share: float = 0.8) -> dict[str, Any]:
        return {key: value for key, value in known.items() if self._random.random() < share}


def tables(policy: str) -> dict[str, Any]:
    found = sample(policy)
    if policy == "tenant-isolation":
        found["tenant_isolation"]["hierarchy"] = {"down": True, "up": True}
    if policy == "environments":
        found["environments"]["namespaces"] = {"shop": {"dev": "data", "prod": "shop", "prod/canary": "acorn"}}
    if policy == "rolling-upgrade":
        rows = [
            {"version": "2.0.0", "percent": 50, "min": "1", "below": "2.1.0-0"},
            {"min": "2.0.0-rc.2", "label": "track"},
        ]
        found["rolling_upgrade"]["services"] |= {"data/db": rows[0], "shop/cache": rows[0], "security/api": rows[1]}
    if policy == "rbac":
        found["kubernetes"] |= ROLES
    return found


@pytest.mark.real("opa")
@pytest.mark.parametrize("policy", POLICY)
def test_any_question_is_decided_alike(policy: str, tmp_path: Path) -> None:
    folders = [POLICIES / "lib", POLICIES / policy]
    chance = Chance(POLICY.index(policy))
    documents = [chance.document() for _ in range(COUNT)]
    library = Library(folders, tables(policy))
    said = [library.evaluate("data.dnspolicy.decision", document) for document in documents]
    ours = [None if text is None else msgspec.json.decode(text) for text in said]
    theirs = decisions(folders, tables(policy), documents, tmp_path)
    assert len({found["rule"] for found in ours if found is not None}) > 1
    different = [(d, a, b) for d, a, b in zip(documents, ours, theirs, strict=True) if a != b]
    assert different[:1] == []
