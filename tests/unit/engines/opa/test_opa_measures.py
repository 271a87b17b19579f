"""What is shown of an OPA that several policies ask: one label stands for all of them."""

from __future__ import annotations

from typing import Any

from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.opa.breaker import State
from dnspolicy.engines.opa.measures import Measures
from dnspolicy.testing.opa import FakeOpa
from tests.unit.engines.opa.asking import ALLOW, Asking

ADDRESS = "http://opa:8181"


def shown(metrics: Metrics) -> dict[str, float]:
    """Gauges of the address, by the end of their names."""
    found: list[Any] = metrics.collect()
    values = {m.name.removeprefix("dnspolicy_opa_"): m.values for m in found}
    return {name: value[ADDRESS,] for name, value in values.items() if (ADDRESS,) in value}


def test_the_worst_is_shown_until_it_ends() -> None:
    metrics = Metrics()
    first, second = Measures(metrics), Measures(metrics)
    first.show("policy", ADDRESS, State.OPEN, 2, known=True)
    first.has_data("policy", ADDRESS, current=True)
    second.show("candidate", ADDRESS, State.CLOSED, 3, known=False)
    second.has_data("candidate", ADDRESS, current=False)
    both = {"breaker_state": 2.0, "connections": 5.0, "policy_known": 0.0, "data_current": 0.0}
    assert shown(metrics) == both
    second.forget("candidate", ADDRESS)
    assert shown(metrics) == {**both, "connections": 2.0, "policy_known": 1.0, "data_current": 1.0}
    first.forget("policy", ADDRESS)
    assert shown(metrics) == {}


def test_connections_are_those_of_all_and_what_one_shows_stays_when_another_ends() -> None:
    metrics = Metrics()
    with FakeOpa(ALLOW) as opa, Asking(opa.url, metrics=metrics) as one:
        with Asking(opa.url, metrics=metrics) as other:
            one.decide()
            other.decide()
            own = len(one.engine.doors[0].pool), len(other.engine.doors[0].pool)
            assert min(own) > 0
            assert one.gauge("dnspolicy_opa_connections", opa.url) == sum(own)
        assert one.gauge("dnspolicy_opa_connections", opa.url) == own[0]
        assert one.gauge("dnspolicy_opa_breaker_state", opa.url) == 0
