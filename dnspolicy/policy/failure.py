"""What follows when an engine gives no usable decision: a written table, and the only place that says it."""

from __future__ import annotations

import msgspec

from dnspolicy.model.errors import EngineBadReply, EngineError, EngineTimeout, EngineUnavailable
from dnspolicy.model.verdict import Action, Origin, Verdict
from dnspolicy.policy.settings.failure import FailureKind, OnError

FAILURE_TRIGGER = "failure:"
"""Begins the trigger of a last known decision that stands in for one that could not be had."""
_ERRORS: dict[FailureKind, type[EngineError]] = {
    FailureKind.TIMEOUT: EngineTimeout,
    FailureKind.BAD_REPLY: EngineBadReply,
    FailureKind.UNAVAILABLE: EngineUnavailable,
}


def kind_of(problem: EngineError) -> FailureKind:
    """Which kind of failure an engine error is."""
    if isinstance(problem, EngineTimeout):
        return FailureKind.TIMEOUT
    if isinstance(problem, EngineBadReply):
        return FailureKind.BAD_REPLY
    return FailureKind.UNAVAILABLE


def error_of(kind: FailureKind, text: str) -> EngineError:
    """The engine error of a kind: what `kind_of` tells, the other way round."""
    return _ERRORS[kind](text)


def verdict_of(problem: EngineError, on_error: OnError, revision: str, last: Verdict | None) -> Verdict:
    """The verdict of a failure. `last` is what was last said to the question, of whatever revision."""
    kind = kind_of(problem)
    rule = f"failure/{kind}"
    if on_error is OnError.ALLOW:
        return Verdict(Action.ALLOW, rule, f"on_error allow: {problem}", origin=Origin.FAILURE, revision=revision)
    if on_error is OnError.LAST_KNOWN and last is not None:
        return msgspec.structs.replace(last, trigger=f"{FAILURE_TRIGGER}{kind}")
    return Verdict(Action.BLOCK, rule, f"on_error {on_error}: {problem}", origin=Origin.FAILURE, revision=revision)
