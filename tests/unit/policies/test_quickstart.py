"""The demo shows what it says it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.audit.record import QueryRecord
from dnspolicy.model.rr import rcode_text
from dnspolicy.wire import rdata
from dnspolicy.wire.message import Response
from examples.quickstart import demo
from examples.quickstart.questions import BIRCH_API, JOB, NOBODY, NODE, WEB, WEB_DEV
from examples.quickstart.server import free_port

EXPECTED = [
    (WEB, "A", "db.acorn-prod.svc.cluster.local", "allow tenant/own", "10.96.1.20"),
    (WEB, "SRV", "_sql._tcp.db.acorn-prod.svc.cluster.local", "allow tenant/own",
     "0 100 5432 db.acorn-prod.svc.cluster.local."),
    (WEB, "PTR", "20.1.96.10.in-addr.arpa", "allow tenant/own", "db.acorn-prod.svc.cluster.local."),
    (WEB, "A", "registry.platform.svc.cluster.local", "allow tenant/shared", "10.96.3.10"),
    (WEB, "A", "db.birch.svc.cluster.local", "block tenant/other", "NXDOMAIN"),
    (WEB, "AAAA", "db.birch.svc.cluster.local", "block tenant/other", "NXDOMAIN"),
    (WEB, "SRV", "_sql._tcp.db.birch.svc.cluster.local", "block tenant/other", "NXDOMAIN"),
    (WEB, "PTR", "20.2.96.10.in-addr.arpa", "block tenant/other", "NXDOMAIN"),
    (WEB, "A", "there-is-no.birch.svc.cluster.local", "block tenant/other", "NXDOMAIN"),
    (WEB, "A", "db.no-such-namespace.svc.cluster.local", "block tenant/other", "NXDOMAIN"),
    (BIRCH_API, "A", "db.birch.svc.cluster.local", "allow tenant/own", "10.96.2.20"),
    (WEB, "A", "db.internal.example", "rewrite environment/prod", "10.96.1.20"),
    (WEB_DEV, "A", "db.internal.example", "rewrite environment/dev", "10.96.1.120"),
    (BIRCH_API, "A", "db.internal.example", "block environment/none", "NXDOMAIN"),
    (WEB, "A", "api.payments.example", "allow environment/*", "203.0.113.80"),
    (WEB_DEV, "A", "api.payments.example", "redirect environment/dev", "192.0.2.80"),
    (WEB_DEV, "A", "db.acorn-prod.svc.cluster.local", "block environment/other", "NXDOMAIN"),
    (BIRCH_API, "A", "www.shop.example", "allow tenant/external", "203.0.113.10"),
    (BIRCH_API, "A", "beacon.c2.example", "block blocklist/malware", "192.0.2.66"),
    (WEB, "A", "metrics.acorn-prod.svc.cluster.local", "block blocklist/tracking", "NXDOMAIN"),
    (WEB, "A", "promo.example", "block blocklist/address", "NOERROR"),
    (BIRCH_API, "A", "home.dyn.example", "allow tenant/external, would block blocklist/dyndns", "203.0.113.44"),
    (NOBODY, "A", "web.acorn-prod.svc.cluster.local", "block tenant/not-a-pod", "NXDOMAIN"),
    (NODE, "A", "db.birch.svc.cluster.local", "block tenant/not-a-pod", "NXDOMAIN"),
    (NODE, "A", "kubernetes.default.svc.cluster.local", "allow tenant/infra", "10.96.0.1"),
    (JOB, "A", "web.acorn-prod.svc.cluster.local", "block site/quarantine", "REFUSED"),
]  # fmt: skip


def decided(record: QueryRecord | None) -> str:
    assert record is not None
    would = [f"would {would.verdict} {would.rule}" for would in record.would]
    return ", ".join([f"{record.verdict} {record.rule}", *would])


def answered(response: Response | None) -> str:
    assert response is not None
    return " ".join(map(rdata.text, response.answer)) or rcode_text(response.rcode)


def test_questions_and_answers(tmp_path: Path) -> None:
    rows = demo.ask_all(free_port(demo.IP), tmp_path / "audit.jsonl")
    found = [(q.source, q.type, q.name, decided(row.record), answered(row.response)) for q, row in rows.items()]
    assert found == EXPECTED


def test_the_whole_page(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(demo.__file__).parents[2])
    assert demo.main() == 0
    out = capfd.readouterr().out
    assert "\x1b" not in out
    for words in ("who asks", "dnspolicy observe audit.jsonl", "rule blocklist/tracking at", "--port 5353"):
        assert words in out
