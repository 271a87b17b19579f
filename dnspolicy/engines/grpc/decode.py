"""From a `CheckResponse` to a verdict, by the rules that hold for every decision (`policy/decode.py`)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from dnspolicy.engines.grpc.paths import read_paths
from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.engines.grpc.words import ACTIONS, BLOCKS, LEVELS, MODES, words
from dnspolicy.model.errors import EngineBadReply, EngineError, EngineTimeout, EngineUnavailable
from dnspolicy.model.printable import printable
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.decode import decode
from dnspolicy.policy.footprint import Path

_REVISION = re.compile(r"[A-Za-z0-9._+:/-]{1,128}")
_json = msgspec.json.Encoder().encode
_BLOCKS, _LEVELS, _MODES, _ACTIONS = words(BLOCKS), words(LEVELS), words(MODES), words(ACTIONS)


class Unreached(EngineUnavailable):
    """A decision point is not there, or says that it cannot decide now; another may."""


_FAILURES: Mapping[int, type[EngineError]] = {
    1: Unreached,  # CANCELLED
    4: EngineTimeout,  # DEADLINE_EXCEEDED
    7: EngineUnavailable,  # PERMISSION_DENIED
    8: EngineUnavailable,  # RESOURCE_EXHAUSTED
    12: EngineUnavailable,  # UNIMPLEMENTED
    14: Unreached,  # UNAVAILABLE
    16: EngineUnavailable,  # UNAUTHENTICATED
}
"""By google.rpc.Code; all others are bad replies."""


class Reply(msgspec.Struct, frozen=True):
    """What a decision point decided; no verdict when its policy says nothing.

    `max_age` is in seconds, None when nothing was said; `vary` are the paths the decision rests on. `named`: the reply
    itself says which revision decided; else it is what was known of the decision point when it was asked.
    """

    verdict: Verdict | None
    revision: str
    max_age: float | None = None
    vary: frozenset[Path] | None = None
    named: bool = False


def reply_of(response: pb.CheckResponse, revision: str) -> Reply:
    """What a response says. `revision` counts where it names none.

    Raises EngineBadReply for what is not well-formed, and what its error means.
    """
    kind = response.WhichOneof("result")
    if kind is None:
        raise EngineBadReply("decision: no result that is known here - at `$.result`")
    if kind == "error":
        raise failure(response.error.code, response.error.message)
    if response.revision:
        revision = read_revision(response.revision)
    verdict = None if kind == "undefined" else decode(_json(_decision(response, kind)), revision)
    if not response.HasField("cache"):
        return Reply(verdict, revision, named=bool(response.revision))
    max_age, vary = _cached(response.cache)
    return Reply(verdict, revision, max_age, vary, bool(response.revision))


def failure(code: int, message: str) -> EngineError:
    """What an error of a decision point counts as."""
    return _FAILURES.get(code, EngineBadReply)(printable(message) if message else f"status {code} without a message")


def read_revision(text: str) -> str:
    """A revision as it was told. Raises EngineBadReply."""
    if _REVISION.fullmatch(text) is None:
        raise EngineBadReply("decision: a revision is 1 to 128 of A-Z a-z 0-9 . _ + : / - at `$.revision`")
    return text


def _cached(cache: pb.Cache) -> tuple[float | None, frozenset[Path] | None]:
    max_age = cache.max_age if cache.HasField("max_age") else None
    if max_age is not None and not (math.isfinite(max_age) and max_age >= 0):
        raise EngineBadReply("decision: seconds from 0 on - at `$.cache.max_age`")
    vary = None
    if cache.HasField("vary"):
        vary = read_paths(cache.vary)
        if vary is None:
            raise EngineBadReply("decision: no such field of a request - at `$.cache.vary`")
    return max_age, vary


def _decision(response: pb.CheckResponse, kind: str) -> dict[str, Any]:
    """The decision object that it stands for."""
    found: dict[str, Any] = {"action": kind, "rule": response.rule, "reason": response.reason}
    if response.HasField("ttl"):
        found["ttl"] = response.ttl
    if response.HasField("ede"):
        found["ede"] = response.ede
    if response.HasField("audit"):
        found["audit"] = _word(_LEVELS, response.audit, "audit")
    if response.HasField("mode"):
        found["mode"] = _word(_MODES, response.mode, "mode")
    if response.shadow:
        found["shadow"] = [
            {"action": _word(_ACTIONS, would.action, "shadow[...].action"), "rule": would.rule, "reason": would.reason}
            for would in response.shadow
        ]
    if kind == "allow":
        return found
    if kind == "block":
        block = response.block
        if block.HasField("as"):
            found["as"] = _word(_BLOCKS, getattr(block, "as"), "as")
        if block.addresses:
            found["addresses"] = list(block.addresses)
    elif kind == "rewrite":
        found["name"] = response.rewrite.name
    else:
        _redirect(response.redirect, found)
    return found


def _redirect(redirect: pb.Redirect, found: dict[str, Any]) -> None:
    if redirect.HasField("cname"):
        found["cname"] = redirect.cname
    for key, texts in (
        ("addresses", redirect.addresses), ("upstream", redirect.upstreams), ("endpoints", redirect.endpoints)
    ):  # fmt: skip
        if texts:
            found[key] = list(texts)


def _word(known: Mapping[int, str], number: int, place: str) -> str:
    found = known.get(number)
    if found is None:
        raise EngineBadReply(f"decision: {number} is no value of this enumeration - at `$.{place}`")
    return found
