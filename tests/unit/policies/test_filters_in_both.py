"""The policies about names outside and about load decide alike in the embedded engine and in OPA, whatever is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from tests.unit.policies.library import (
    OUTSIDE,
    POLICIES,
    Document,
    Library,
    answered,
    pod,
    question,
    sample,
    service,
)
from tests.unit.policies.opa import decisions

COUNT = 300
FOLDERS = {
    "egress": ("egress",),
    "types": ("types",),
    "bypass": ("bypass",),
    "rpz": ("rpz", "rpz-clients"),
    "exceptions": ("exceptions", "blocklist", "egress"),
    "least-loaded": ("least-loaded",),
}
NAMES = [
    "sample.c2.example", "other.c2.example", "updates.vendor.example", "chess.games.example", "status.shop.example",
    "pay-partner.example", "eu.pay-partner.example", "api.cards.example", "0.ntp.example", "www.shop.example",
    "use-application-dns.net", "mask.icloud.com", "_dns.resolver.arpa", "dns.google", "a.dns.google", "portal.example",
    "ok.bad.example", "bad.example", "a.bad.example", "a.b.tracker.example", "example", "",
]  # fmt: skip
TYPES = ["A", "AAAA", "TXT", "NULL", "HINFO", "AXFR", "IXFR", "HTTPS", "TYPE65280"]
NAMESPACES = ["cedar-pay", "batch", "delta-lab", "mail", "plain", "resolvers", "birch", "acorn"]
ADDRESSES = ["203.0.113.5", "192.0.2.9", "10.0.0.7", "::ffff:192.0.2.1", "2001:db8::5"]
CLIENTS = ["10.1.2.3", "10.9.9.9", "10.9.8.1"]


def document(chance: Random) -> Document:
    client = pod(chance.choice(NAMESPACES)) | {"ip": chance.choice(CLIENTS), "node": chance.choice(["n1", "n2"])}
    if chance.random() < 0.15:
        client = {"kind": "unknown", "why": "", "ip": chance.choice(CLIENTS), "bucket": 1, "hash": 1}
    via, over = chance.choice(["client", "cname", "rewrite"]), chance.choice(["udp", "tcp"])
    asked = question(client, chance.choice(NAMES), OUTSIDE, via=via, type=chance.choice(TYPES), transport=over)
    return answered(asked, *chance.sample(ADDRESSES, 2)) if chance.random() < 0.3 else asked


def of_a_service(chance: Random) -> Document:
    ready: list[Document] = [
        {"ip": f"10.1.0.{n}", "hash": chance.getrandbits(32)}
        | chance.choice([{}, {"pod": f"db-{n}"}, {"pod": f"db-{n}"}])
        for n in range(chance.randrange(7))
    ]
    label = chance.choice(["cut", "order", "cut", "off"])
    target = service("shop") | {"labels": {"dns.example/least-loaded": label}, "endpoints": ready}
    return question(pod("shop") | {"node": chance.choice(["n1", "n2"])}, "db.shop.svc.cluster.local", target)


def loads(chance: Random) -> Document:
    now = datetime.now(UTC).replace(microsecond=0)
    stamps = [f"{now - timedelta(seconds=age):%Y-%m-%dT%H:%M:%SZ}" for age in (5, 20, 30, 40, -7200, 3600)]
    amounts = ["250m", "1", "0.75", "17000000n", "12u", "300m", "400m", "2"] * 3 + ["01", "1.2.3", "", "k", 5, "-1"]
    return {
        "metrics": {
            "shop": {
                f"db-{n}": {
                    "timestamp": chance.choice([*stamps, *stamps[:4], "soon"]),
                    "containers": [{"usage": {"cpu": chance.choice(amounts)}} for _ in range(chance.randrange(1, 3))],
                }
                for n in range(6)
            }
        }
    }


def tables(policy: str, chance: Random) -> dict[str, Any]:
    found = {key: table for name in FOLDERS[policy] if name != "rpz-clients" for key, table in sample(name).items()}
    if policy == "least-loaded":
        found["load"] = loads(chance)
    if policy == "rpz":
        found["rpz"]["zones"]["malware"]["client_ips"] = {
            "hosts": {"10.9.9.9": "drop"}, "networks": [{"cidr": "10.9.8.0/24", "action": "passthru"}]
        }  # fmt: skip
    return found


@pytest.mark.real("opa")
@pytest.mark.parametrize("policy", FOLDERS)
def test_any_question_is_decided_alike(policy: str, tmp_path: Path) -> None:
    chance = Random(policy)
    folders = [POLICIES / "lib", *(POLICIES / name for name in FOLDERS[policy])]
    data = tables(policy, chance)
    make = of_a_service if policy == "least-loaded" else document
    documents = [make(chance) for _ in range(COUNT)]
    library = Library(folders, data)
    said = [library.evaluate("data.dnspolicy.decision", one) for one in documents]
    theirs = decisions(folders, data, documents, tmp_path)
    ours = [None if text is None else msgspec.json.decode(text) for text in said]
    assert len({found["rule"] for found in ours if found is not None}) > 1
    pairs = [(one, timeless(a), timeless(b)) for one, a, b in zip(documents, ours, theirs, strict=True)]
    assert [pair for pair in pairs if pair[1] != pair[2]][:1] == []


def timeless(found: Document | None) -> Document | None:
    """Without the seconds to the next edge, which go on between two engines."""
    return None if found is None else {key: value for key, value in found.items() if key != "ttl"}
