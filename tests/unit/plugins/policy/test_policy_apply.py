"""What a client is told of a block."""

from __future__ import annotations

import pytest

from dnspolicy.model.answer import EdeCode
from dnspolicy.model.verdict import Action, BlockAs, Origin, Verdict
from dnspolicy.plugins.policy.apply import explanation


@pytest.mark.parametrize(
    ("verdict", "code", "text"),
    [
        pytest.param(Verdict(Action.BLOCK, "a/b", "why"), EdeCode.BLOCKED, "a/b: why", id="a rule, with its reason"),
        pytest.param(
            Verdict(Action.BLOCK, "a/b", "why", block_as=BlockAs.SINKHOLE, addresses=("192.0.2.1",)),
            EdeCode.FORGED_ANSWER, "a/b: why", id="a sinkhole",
        ),
        pytest.param(
            Verdict(Action.BLOCK, "failure/unavailable", "10.0.0.7 is away", origin=Origin.FAILURE),
            EdeCode.OTHER, "failure/unavailable", id="a failure, without the addresses of engines",
        ),
    ],
)  # fmt: skip
def test_what_the_extended_error_says(verdict: Verdict, code: EdeCode, text: str) -> None:
    found = explanation(verdict)
    assert (found.code, found.text) == (code, text)
