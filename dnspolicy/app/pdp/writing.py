"""From a verdict to a `CheckResponse`, which a client reads as the same verdict."""

from __future__ import annotations

from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.engines.grpc.words import ACTIONS, BLOCKS, LEVELS, MODES
from dnspolicy.model.errors import EngineBadReply, EngineError, EngineTimeout
from dnspolicy.model.name import Name
from dnspolicy.model.verdict import Action, BlockAs, Mode, Verdict

INVALID_ARGUMENT, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE = 3, 4, 8, 13, 14
"""Of google.rpc.Code."""
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_UNDEFINED = pb.Undefined()
_ALLOW = pb.Allow()


def decided(number: int, verdict: Verdict | None, revision: str, timeless: bool) -> pb.CheckResponse:
    """The response to request `number`; no verdict is a policy that says nothing."""
    if verdict is None:
        return pb.CheckResponse(request_id=number, undefined=_UNDEFINED, revision=revision)
    response = pb.CheckResponse(
        request_id=number,
        rule=verdict.rule,
        reason=verdict.reason,
        ttl=verdict.ttl,
        ede=verdict.ede,
        revision=verdict.revision or revision,
    )
    if verdict.audit is not None:
        response.audit = LEVELS[verdict.audit]  # type: ignore[assignment]
    if verdict.mode is not Mode.ENFORCE:
        response.mode = MODES[verdict.mode]  # type: ignore[assignment]
    for would in verdict.shadow:
        response.shadow.add(action=ACTIONS[would.action], rule=would.rule, reason=would.reason)
    held = verdict.lifetime(timeless)
    if held is not None:
        response.cache.max_age = held
    _act(verdict, response)
    return response


def _act(verdict: Verdict, response: pb.CheckResponse) -> None:
    if verdict.action is Action.ALLOW:
        response.allow.CopyFrom(_ALLOW)
    elif verdict.action is Action.BLOCK:
        shown = None if verdict.block_as is BlockAs.NXDOMAIN else BLOCKS[verdict.block_as]
        response.block.CopyFrom(pb.Block(**{"as": shown}, addresses=verdict.addresses))
    elif verdict.action is Action.REWRITE:
        response.rewrite.name = _spelled(verdict.name)
    else:
        response.redirect.CopyFrom(
            pb.Redirect(
                addresses=verdict.addresses,
                cname=None if verdict.cname is None else _spelled(verdict.cname),
                upstreams=verdict.upstreams,
                endpoints=verdict.endpoints,
            )
        )


def _spelled(name: Name | None) -> str:
    """A name in presentation form, letters kept."""
    assert name is not None
    texts, wire, at = [], name.wire, 0
    while wire[at]:
        label = wire[at + 1 : at + 1 + wire[at]]
        texts.append("".join(chr(b) if b in _PLAIN else f"\\{b:03d}" for b in label))
        at += 1 + wire[at]
    return ".".join(texts) or "."


def failed(number: int, problem: EngineError) -> pb.CheckResponse:
    """The response for an engine that gave no usable decision."""
    if isinstance(problem, EngineTimeout):
        return refused(number, DEADLINE_EXCEEDED, str(problem))
    return refused(number, INTERNAL if isinstance(problem, EngineBadReply) else UNAVAILABLE, str(problem))


def refused(number: int, code: int, message: str) -> pb.CheckResponse:
    """An error as a response."""
    return pb.CheckResponse(request_id=number, error=pb.Status(code=code, message=message))
