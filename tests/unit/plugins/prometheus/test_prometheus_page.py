"""What Prometheus reads."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from dnspolicy.chain.http import HttpListeners
from dnspolicy.chain.metrics import Metrics
from dnspolicy.plugins.prometheus import Config, Enabled, Prometheus, Tally
from dnspolicy.plugins.prometheus.exposition import Style, choose, render, snapshot

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def filled() -> Metrics:
    metrics = Metrics()
    metrics.counter("a_total", "Help with a \\ and\na line.", ("rule",)).inc(('odd "name"\n\\',), 3)
    metrics.gauge("b", "A gauge.").set(2.5)
    histogram = metrics.histogram("c_seconds", "A histogram.", (0.5, 1, 511), ("zone",))
    for value in (0.5, 0.7, 600):
        histogram.observe(value, (".",))
    metrics.counter("never_total", "Has labels and was never used.", ("zone",))
    return metrics


def samples(page: bytes, style: Style) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    parse = parse_openmetrics if style is Style.OPENMETRICS else parse_text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(page.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize("style", list(Style), ids=lambda s: s.name.lower())
def test_both_formats_say_what_was_counted(style: Style) -> None:
    found = samples(render(snapshot(filled().collect()), style), style)
    assert found["a_total", (("rule", 'odd "name"\n\\'),)] == 3
    assert found["b", ()] == 2.5
    bound = "1" if style is Style.TEXT else "1.0"
    assert found["c_seconds_bucket", (("le", bound), ("zone", "."))] == 2
    assert found["c_seconds_bucket", (("le", "+Inf"), ("zone", "."))] == 3
    assert found["c_seconds_count", (("zone", "."),)] == 3
    assert found["c_seconds_sum", (("zone", "."),)] == pytest.approx(601.2)


def test_a_metric_that_was_never_used_is_absent() -> None:
    page = render(snapshot(filled().collect()), Style.TEXT)
    assert b"never" not in page


def test_the_text_format_writes_bounds_as_coredns_does() -> None:
    page = render(snapshot(filled().collect()), Style.TEXT).decode()
    assert 'c_seconds_bucket{le="0.5",zone="."} 1.0' in page
    assert 'c_seconds_bucket{le="511",zone="."} 2.0' in page


def test_the_process_is_described() -> None:
    assert b"process_resident_memory_bytes" in render(snapshot(Metrics().collect()), Style.TEXT)


@pytest.mark.parametrize("runtime", [False, True])
def test_the_runtime_is_described_when_asked_for(runtime: bool) -> None:
    page = render(snapshot(Metrics().collect()), Style.TEXT, runtime)
    assert (b"python_gc_collections_total" in page, b"python_info" in page) == (runtime, runtime)


@pytest.mark.parametrize(
    ("accept", "style"),
    [
        ("", Style.TEXT),
        ("*/*", Style.TEXT),
        ("text/plain;version=0.0.4", Style.TEXT),
        ("text/plain;version=nonsense", Style.TEXT),
        (OPENMETRICS, Style.OPENMETRICS),
        ("application/openmetrics-text;version=nonsense", Style.OPENMETRICS),
    ],
)
def test_the_client_chooses(accept: str, style: Style) -> None:
    assert choose(accept) is style


def test_a_page_is_what_it_was_when_it_was_asked_for() -> None:
    metrics = filled()
    families = snapshot(metrics.collect())
    metrics.gauge("b", "A gauge.").set(99)
    metrics.histogram("c_seconds", "A histogram.", (0.5, 1, 511), ("zone",)).observe(1, (".",))
    found = samples(render(families, Style.TEXT), Style.TEXT)
    assert (found["b", ()], found["c_seconds_count", (("zone", "."),)]) == (2.5, 3)


async def fetch(port: int, accept: str = "") -> tuple[str, str]:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept}) as reply,
    ):
        return reply.headers["Content-Type"], await reply.text()


def test_two_blocks_with_one_address_share_one_listener_until_both_are_gone() -> None:
    async def story() -> None:
        listeners, tally = HttpListeners(), Tally(Metrics())
        config = Config(address="127.0.0.1:0")
        one = Prometheus(config, tally=tally, listeners=listeners, enabled=[Enabled("cache", "dns://:53", ".")])
        two = Prometheus(config, tally=tally, listeners=listeners, enabled=[Enabled("forward", "dns://:54", ".")])
        await one.start()
        await two.start()
        assert one.port == two.port
        kind, page = await fetch(one.port)
        assert kind == Style.TEXT
        assert 'coredns_plugin_enabled{name="cache",server="dns://:53",view="",zone="."} 1.0' in page
        assert 'coredns_plugin_enabled{name="forward",server="dns://:54",view="",zone="."} 1.0' in page
        port = one.port
        await one.stop()
        kind, page = await fetch(port, OPENMETRICS)
        assert kind == Style.OPENMETRICS
        assert page.endswith("# EOF\n")
        assert 'name="cache"' not in page
        await two.stop()
        with pytest.raises(aiohttp.ClientConnectionError):
            await fetch(port)

    asyncio.run(story())


@pytest.mark.parametrize("address", ["9153", "host:9153", ":http", "::1:9153", ":70000", "", ":-1", "127.0.0.1:"])
def test_an_address_that_cannot_be_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT|brackets|IP address"):
        Config(address=address)
