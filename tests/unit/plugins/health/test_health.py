from __future__ import annotations

import asyncio

import pytest

from dnspolicy.chain.http import HttpListeners, probe
from dnspolicy.chain.metrics import Metrics
from dnspolicy.plugins.health import Config, Health
from dnspolicy.plugins.health.handler import BUCKETS

HERE = "127.0.0.1:0"


def failures(metrics: Metrics) -> float:
    return metrics.counter("coredns_health_request_failures_total", "").values[()]


def checks(metrics: Metrics) -> float:
    rows = metrics.histogram("coredns_health_request_duration_seconds", "", BUCKETS).values
    return sum(rows[()][:-1]) if rows else 0


def test_it_answers_until_it_is_stopped() -> None:
    async def story() -> None:
        health = Health(Config(address=HERE), listeners=HttpListeners(), metrics=Metrics())
        await health.start()
        port = health.port
        assert await probe(port, "/health") == 200
        assert await probe(port, "/") == 404
        await health.stop()
        await health.stop()
        with pytest.raises(OSError, match="Connect call failed"):
            await probe(port, "/health")

    asyncio.run(story())


def test_it_goes_on_answering_while_it_is_a_lame_duck() -> None:
    async def story() -> None:
        health = Health(Config(address=HERE, lameduck=0.2), listeners=HttpListeners(), metrics=Metrics())
        await health.start()
        draining = asyncio.create_task(health.drain())
        assert await probe(health.port, "/health") == 200
        assert not draining.done()
        await draining
        await health.stop()

    asyncio.run(story())


def test_the_self_check_counts_successes_and_failures() -> None:
    async def story() -> None:
        metrics = Metrics()
        health = Health(Config(address=HERE), listeners=HttpListeners(), metrics=metrics)
        assert failures(metrics) == 0
        await health.start()
        assert await health.check()
        assert (checks(metrics), failures(metrics)) == (1, 0)
        await health.stop()
        assert not await health.check()
        assert (checks(metrics), failures(metrics)) == (2, 1)

    asyncio.run(story())


def test_what_was_never_started_is_no_lame_duck() -> None:
    health = Health(Config(address=HERE, lameduck=3600), listeners=HttpListeners(), metrics=Metrics())
    asyncio.run(asyncio.wait_for(health.drain(), 5))
