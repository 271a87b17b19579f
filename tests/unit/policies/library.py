"""The policies of the library in the embedded engine, and input documents to ask them with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

import dnspolicy
from dnspolicy.engines.rego.binding import evaluator
from dnspolicy.engines.rego.sources import Source
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.decode import decode

ROOT = Path(dnspolicy.__file__).parent.parent
POLICIES = ROOT / "policies"
QUICKSTART = ROOT / "examples" / "quickstart" / "policies"
NAMES = ("tenant-isolation", "environments", "blocklist")
CLUSTER = ("closest", "rbac", "rolling-upgrade", "service-chain", "sharding")
"""Policies about what of the cluster a client gets; they say more than those of NAMES about who may ask whom."""
FILTERS = ("egress", "exceptions", "bypass", "types", "rpz", "rpz-clients")
"""Policies about names of the world outside."""
LOAD = ("least-loaded",)
"""Policies about endpoints that read the clock."""
_PACKAGE = re.compile(r"^package (\S+)", re.MULTILINE)
_TEST = re.compile(r"^(test_\w+)", re.MULTILINE)
Document = dict[str, Any]


def sample(name: str) -> Document:
    """The sample data of a policy."""
    found: Document = msgspec.json.decode((POLICIES / name / "sample" / "data.json").read_bytes())
    return found


def rules_in(folder: Path) -> list[str]:
    """Paths of all test rules in a folder."""
    texts = [path.read_text() for path in sorted(folder.glob("*_test.rego"))]
    return [
        f"data.{found[1]}.{test}" for text in texts if (found := _PACKAGE.search(text)) for test in _TEST.findall(text)
    ]


class Library:
    """Folders of policies with data, ready to decide."""

    def __init__(self, folders: Iterable[Path], data: Mapping[str, Any]) -> None:
        self._evaluator = evaluator()
        for path in (path for folder in folders for path in sorted(folder.glob("*.rego"))):
            self._evaluator.add_policy(Source(str(path), path.read_text()))
        self._evaluator.add_data(msgspec.json.encode(data))

    def evaluate(self, rule: str, document: Document) -> str | None:
        """JSON of a rule's value; None when it is undefined."""
        found = self._evaluator.rule(rule, msgspec.json.encode(document))
        return None if found is None else found.decode()

    def decide(self, document: Document) -> Verdict | None:
        """The decision, read as strictly as the server reads it; None when there is none."""
        found = self.evaluate("data.dnspolicy.decision", document)
        return None if found is None else decode(found)


def pod(namespace: str, namespace_labels: Mapping[str, str] | None = None, **labels: str) -> Document:
    return {
        "kind": "pod", "why": "address of a live pod", "ip": "10.1.2.3", "bucket": 7, "hash": 123456789,
        "namespace": namespace, "pod": "web-0", "labels": labels, "namespace_labels": dict(namespace_labels or {}),
    }  # fmt: skip


def service(namespace: str, namespace_labels: Mapping[str, str] | None = None, name: str = "db") -> Document:
    return {
        "kind": "service", "namespace": namespace, "name": name, "namespace_labels": dict(namespace_labels or {}),
        "exists": True,
    }  # fmt: skip


OUTSIDE: Document = {"kind": "external"}


def question(client: Document, name: str, target: Document, **query: str) -> Document:
    """An input document of the query phase."""
    labels = name.split(".")
    suffixes = [".".join(labels[i:]) for i in range(len(labels))]
    asked = {
        "name": name, "labels": labels, "suffixes": suffixes, "asked": name, "via": "client", "type": "A",
        "class": "IN", "transport": "udp",
    }  # fmt: skip
    return {"version": 1, "phase": "query", "client": client, "query": asked | query, "target": target}


def answered(document: Document, *addresses: str, names: tuple[str, ...] = ()) -> Document:
    """The same in the response phase."""
    found = (document["query"]["name"], *names)
    answer = {"rcode": "NOERROR", "names": found, "addresses": addresses, "from": "forward"}
    return document | {"phase": "response", "answer": answer}
