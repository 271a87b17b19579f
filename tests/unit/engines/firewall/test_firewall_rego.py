"""A list and the policy that is made from it decide the same."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnspolicy.engines.firewall import FirewallEngine
from dnspolicy.engines.firewall.migrate import to_rego
from dnspolicy.engines.rego import RegoEngine, load
from dnspolicy.policy.firewall import Direction
from dnspolicy.policy.firewall.syntax import BadCondition
from tests.unit.engines.firewall.making import conditions, listed, questions

SAME = ("action", "block_as", "rule", "reason")


@pytest.mark.parametrize("direction", Direction)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_policy_decides_as_the_list(tmp_path: Path, direction: Direction, data: st.DataObject) -> None:
    actions = st.sampled_from(("allow", "block", "refuse", "drop"))
    lines = data.draw(st.lists(st.tuples(actions, conditions(direction)).map(" ".join), min_size=1, max_size=3))
    rules = [listed("\n".join(lines), direction)]
    (tmp_path / "policy.rego").write_text(to_rego(rules))
    ours, rego = FirewallEngine(rules), RegoEngine(load([tmp_path], isolated=False))
    for question in data.draw(st.lists(questions(direction is Direction.RESPONSE), min_size=5, max_size=10)):
        deadline = time.monotonic() + 60
        found = [asyncio.run(engine.decide(question, deadline)) for engine in (ours, rego)]
        assert found[0] is not None
        assert found[1] is not None
        assert [getattr(found[0], name) for name in SAME] == [getattr(found[1], name) for name in SAME]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param("allow random() < 0.5", "input.client.bucket", id="random"),
        pytest.param("allow atoi(type) * 2 > 3", "arithmetic", id="arithmetic"),
        pytest.param("allow incidr(name, '10.0.0.0/8')", "client_ip and response_ip", id="incidr of a name"),
    ],
)
def test_what_has_no_counterpart(line: str, why: str) -> None:
    with pytest.raises(BadCondition, match=why) as problem:
        to_rego([listed(f"allow true\n{line}")])
    assert "query 2" in str(problem.value)
