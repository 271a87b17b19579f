"""The walk through a roll-out can be walked."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

import dnspolicy
from dnspolicy.app.reading import read_plan
from dnspolicy.engines.rego import RegoEngine, load
from dnspolicy.model.identity import ClientKind, Identity, Owner
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.spread import bucket, of_owner
from dnspolicy.model.target import EXTERNAL
from dnspolicy.model.verdict import Action, Phase
from dnspolicy.policy.input import PolicyInput

ROOT = Path(dnspolicy.__file__).parent.parent
TEXT = (ROOT / "docs" / "rollout.md").read_text()
NAME = from_text("api.partner.example")
OPEN = """
package dnspolicy

candidates contains {"tier": "default", "action": "allow", "rule": "site/open", "reason": "as before"}
"""


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert found
    return [str(block) for block in found]


def pod(number: int, namespace: str) -> Identity:
    owner = Owner("Deployment", f"web-{number}")
    return Identity(ClientKind.POD, "", "10.0.0.1", namespace=namespace, pod=f"web-{number}-x", owner=owner)


@pytest.mark.parametrize("number", range(len(blocks("corefile"))))
def test_a_corefile_is_accepted(number: int, tmp_path: Path) -> None:
    corefile = tmp_path / "Corefile"
    corefile.write_text(blocks("corefile")[number])
    read_plan(corefile, {})


@pytest.mark.parametrize(
    ("step", "namespace", "blocked"),
    [
        pytest.param(0, "acorn", lambda _: False, id="shadow"),
        pytest.param(1, "acorn", lambda share: share < 10, id="a tenth"),
        pytest.param(1, "birch", lambda _: True, id="a whole namespace"),
        pytest.param(1, "payments", lambda _: False, id="not at all"),
        pytest.param(None, "acorn", lambda _: True, id="everybody"),
    ],
)
def test_each_step_does_what_it_says(step: int | None, namespace: str, blocked: object, tmp_path: Path) -> None:
    assert callable(blocked)
    (tmp_path / "site.rego").write_text(blocks("rego")[0])
    (tmp_path / "open.rego").write_text(OPEN)
    if step is not None:
        (tmp_path / "data.json").write_text(json.dumps(json.loads(blocks("json")[step])))
    engine = RegoEngine(load([ROOT / "policies" / "lib", ROOT / "policies" / "roll-out", tmp_path], isolated=False))
    for number in range(100):
        client = pod(number, namespace)
        question = PolicyInput(Phase.QUERY, client, Query(NAME, 1, NAME), EXTERNAL)
        verdict = engine.decide_now(question, time.monotonic() + 60)
        assert verdict is not None
        assert client.owner is not None
        expected = blocked(bucket(of_owner(client, client.owner)))
        assert (verdict.action is Action.BLOCK) is expected
        assert [would.rule for would in verdict.shadow] == ([] if expected else ["site/partners"])
