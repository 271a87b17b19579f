"""What the server says of its configuration when it starts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dnspolicy.app.app import App
from dnspolicy.app.reading import read_plan
from dnspolicy.chain.clock import SystemClock

POLICY = "policy {\n rego policy\n }"
VIEW = "view inside {\n expr true\n }"


def ignore(_line: str) -> None:
    """What the server says is not looked at."""


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        pytest.param({".": POLICY}, "", id="all have one"),
        pytest.param({".": "any"}, "", id="none has one"),
        pytest.param({".": POLICY, "open.test": "any"}, "for open.test.", id="one zone has none"),
        pytest.param({"a.test": POLICY, ".": VIEW}, "for . (view inside)", id="a view has none"),
    ],
)
def test_zones_beside_the_policy_are_named(tmp_path: Path, blocks: dict[str, str], said: str) -> None:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "rule.rego").write_text(
        'package dnspolicy\n\ndecision := {"action": "allow", "rule": "r", "reason": "r"}\n'
    )
    corefile = tmp_path / "Corefile"
    corefile.write_text("".join(f"{zone}:5300 {{\n {line}\n}}\n" for zone, line in blocks.items()))

    async def story() -> list[str]:
        app = App(read_plan(corefile, {}), clock=SystemClock(), out=ignore, err=ignore)
        return [line for line in app.announcement() if "none is in force" in line]

    found = asyncio.run(story())
    assert bool(found) is bool(said)
    assert all(line.endswith(said) for line in found)
