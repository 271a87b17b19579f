"""A decision, right or wrong, as a decision point says it over gRPC."""

from __future__ import annotations

import json
from typing import Any

from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.engines.grpc.words import ACTIONS, BLOCKS, LEVELS, MODES
from dnspolicy.model.errors import EngineBadReply
from dnspolicy.policy.decode import decode
from tests.contract.rigs.base import UNDEFINED

INTERNAL = 13


def response_of(decision: object, revision: str) -> pb.CheckResponse:
    """The response. What the protocol has no words for is an error, in the words of whoever reads decisions."""
    if decision is UNDEFINED:
        return pb.CheckResponse(undefined=pb.Undefined(), revision=revision)
    try:
        response = _response(decision)  # type: ignore[arg-type]
    except (TypeError, ValueError, KeyError, AttributeError):
        try:
            decode(json.dumps(decision))
        except EngineBadReply as problem:
            return pb.CheckResponse(error=pb.Status(code=INTERNAL, message=str(problem)))
        raise
    response.revision = revision
    return response


def _response(decision: dict[str, Any]) -> pb.CheckResponse:
    left = dict(decision)
    response = pb.CheckResponse(rule=left.pop("rule"), reason=left.pop("reason"))
    for key in ("ttl", "ede"):
        if key in left:
            setattr(response, key, _number(left.pop(key)))
    if "audit" in left:
        response.audit = LEVELS[left.pop("audit")]
    if "mode" in left:
        response.mode = MODES[left.pop("mode")]
    for would in left.pop("shadow", ()):
        rest = dict(would)
        response.shadow.add(action=ACTIONS[rest.pop("action")], rule=rest.pop("rule"), reason=rest.pop("reason"))
        _nothing(rest)
    getattr(response, left["action"]).CopyFrom(_ACTS[left.pop("action")](left))
    _nothing(left)
    return response


def _number(value: object) -> int:
    if type(value) is not int:
        raise TypeError(value)
    return value


def _nothing(left: dict[str, Any]) -> None:
    if left:
        raise KeyError(*left)


def _texts(value: object) -> list[str]:
    """A list that holds something: an empty one and none are the same to the protocol."""
    if not isinstance(value, list) or not value:
        raise TypeError(value)
    return value


def _block(left: dict[str, Any]) -> pb.Block:
    shown = BLOCKS[left.pop("as")] if "as" in left else None
    return pb.Block(**{"as": shown}, addresses=_texts(left.pop("addresses")) if "addresses" in left else ())


def _redirect(left: dict[str, Any]) -> pb.Redirect:
    upstream = left.pop("upstream", None)
    return pb.Redirect(
        cname=left.pop("cname", None),
        upstreams=[upstream] if isinstance(upstream, str) else () if upstream is None else _texts(upstream),
        **{key: _texts(left.pop(key)) for key in ("addresses", "endpoints") if key in left},
    )


_ACTS: dict[str, Any] = {
    "allow": lambda _: pb.Allow(),
    "block": _block,
    "rewrite": lambda left: pb.Rewrite(name=left.pop("name")),
    "redirect": _redirect,
}
