"""Dashboards and alerts made for CoreDNS find their series: names, types, labels and buckets are the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from dnspolicy.app.app import App
from dnspolicy.app.reading import read_plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Gauge, Histogram, Metric
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Edns, Query
from dnspolicy.plugins.prometheus import Prometheus
from dnspolicy.plugins.prometheus.exposition import Style, render, snapshot

COREDNS: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("coredns_metrics.yaml").read_text())
COREFILE = """
.:5300 {
    bind 127.0.0.1
    errors
    log
    health 127.0.0.1:0
    ready 127.0.0.1:0
    prometheus 127.0.0.1:0
    local
    dns64
    any
    cache
    hosts hosts {
        fallthrough
    }
    kubernetes cluster.local {
        manifests .
    }
    forward . 127.0.0.1:5399
}
"""
PARTS = ("build", "panics", "plugin", "dns", "cache", "dns64", "forward", "health", "hosts", "local", "proxy")
"""First words behind `coredns_` of what the server itself and the plugins above count."""
ABSENT = {
    "coredns_dns_https_responses_total": "no DNS over HTTPS",
    "coredns_dns_https3_responses_total": "no DNS over HTTPS",
    "coredns_dns_quic_responses_total": "no DNS over QUIC",
}


def collected(folder: Path) -> dict[str, Metric]:
    (folder / "hosts").write_text("192.0.2.1 a.test\n")
    (folder / "Corefile").write_text(COREFILE)

    async def story() -> dict[str, Metric]:
        app = App(read_plan(folder / "Corefile", {}), clock=SystemClock(), out=print, err=print)
        return {metric.name: metric for metric in app.parts.metrics.collect()}

    return asyncio.run(story())


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Metric]:
    return collected(tmp_path_factory.mktemp("coredns"))


def described(metric: Metric) -> dict[str, Any]:
    found: dict[str, Any] = {"type": metric.kind.value, "labels": sorted(metric.labels)}
    if isinstance(metric, Histogram):
        found["buckets"] = list(metric.buckets)
    return found


def test_what_has_a_name_of_coredns_is_what_it_has_under_it(metrics: dict[str, Metric]) -> None:
    ours = {name: described(metric) for name, metric in metrics.items() if name.startswith("coredns_")}
    assert ours == {name: COREDNS.get(name) for name in ours}


def test_nothing_that_coredns_counts_is_missing(metrics: dict[str, Metric]) -> None:
    wanted = {name for name in COREDNS if name.split("_")[1] in PARTS}
    assert sorted(wanted - set(metrics) - set(ABSENT)) == []


def test_series_appear_with_the_labels_of_coredns(tmp_path: Path) -> None:
    """What a scrape shows after a query, as CoreDNS 1.15.0 shows it."""
    (tmp_path / "hosts").write_text("192.0.2.1 a.test\n")
    (tmp_path / "Corefile").write_text(COREFILE)

    async def story() -> str:
        app = App(read_plan(tmp_path / "Corefile", {}), clock=SystemClock(), out=print, err=print)
        name = from_text("a.test")
        outcome = await app.ask(Query(name, 1, name, edns=Edns(1232, do=True), size=40), "127.0.0.1")
        assert outcome is not None
        app.parts.tally.seen(outcome)
        return render(snapshot(app.parts.tally.collect()), Style.TEXT).decode()

    page = asyncio.run(story())
    block = 'server="dns://127.0.0.1:5300",{}view="",zone="."'
    for series in (
        f'coredns_dns_requests_total{{family="1",proto="udp",{block.format("")}}}'.replace(
            'server="dns://127.0.0.1:5300",', 'server="dns://127.0.0.1:5300",type="A",'
        ),
        f"coredns_dns_do_requests_total{{{block.format('')}}}",
        f'coredns_dns_responses_total{{plugin="hosts",rcode="NOERROR",{block.format("")}}}',
        f"coredns_dns_request_duration_seconds_count{{{block.format('')}}}",
        f'coredns_dns_request_size_bytes_count{{proto="udp",{block.format("")}}}',
        f'coredns_dns_response_size_bytes_count{{proto="udp",{block.format("")}}}',
        "coredns_panics_total",
        "coredns_health_request_duration_seconds_count",
        "coredns_local_localhost_requests_total",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_cpu_seconds_total",
        "process_open_fds",
    ):
        assert f"\n{series} " in page, series


def test_plugins_are_enabled_in_each_zone_of_a_block(tmp_path: Path) -> None:
    (tmp_path / "Corefile").write_text(
        "a.test:5301 b.test:5302 {\n bind 127.0.0.1 ::1\n prometheus 127.0.0.1:0\n"
        " health 127.0.0.1:0\n any\n minimal\n}\n"
    )

    async def story() -> list[dict[str, str]]:
        app = App(read_plan(tmp_path / "Corefile", {}), clock=SystemClock(), out=print, err=print)
        room = next(room for room in app.rooms.everything if isinstance(room, Prometheus))
        await room.start()
        enabled = next(m for m in app.parts.tally.collect() if m.name == "coredns_plugin_enabled")
        await room.stop()
        assert isinstance(enabled, Gauge)
        return [dict(zip(enabled.labels, labels, strict=True)) for labels in enabled.values]

    shown = sorted((e["server"], e["zone"], e["name"], e["view"]) for e in asyncio.run(story()))
    assert shown == [
        (server, zone, name, "")
        for server, zone in (
            ("dns://127.0.0.1:5301", "a.test."),
            ("dns://127.0.0.1:5302", "b.test."),
            ("dns://[::1]:5301", "a.test."),
            ("dns://[::1]:5302", "b.test."),
        )
        for name in ("any", "minimal", "prometheus")
    ]
