"""Looks at what an OPA has: bundles and policies."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import msgspec

from dnspolicy.engines.opa.connection import Kind, Lost
from dnspolicy.engines.opa.door import Door
from dnspolicy.engines.opa.holding import Bundles, Holding, PolicyList, holding
from dnspolicy.engines.opa.http import Reply
from dnspolicy.engines.rego import Loaded

BUNDLES = "/v1/data/system/bundles?provenance=true"
POLICIES = "/v1/policies"
SECONDS = 2.0
MAX_LISTING = 64 * 1024 * 1024
"""Bytes; OPA lists its policies with their syntax trees, some twenty times their text."""
_AT_ONCE = 128 * 1024
"""A longer reply is decoded in another thread."""
T = TypeVar("T")


async def look(door: Door, ours: Loaded | None) -> Holding | None:
    """What the OPA behind a door has; None when it will not say even in its decisions. Raises Lost."""
    known = door.holding
    reply = await door.ask("GET", BUNDLES, b"", MAX_LISTING, SECONDS)
    if reply.status == 200:
        bundles = await _decoded(reply, Bundles)
    elif door.seen:
        bundles = Bundles(provenance=msgspec.Raw(door.seen))
    else:
        return None
    if known is not None and known.owned and known.provenance == bytes(bundles.provenance):
        still = holding(bundles, PolicyList(), None)
        if still.owned and (ours is None or known.matches):
            return known
    reply = await door.ask("GET", POLICIES, b"", MAX_LISTING, SECONDS)
    if reply.status != 200:
        return holding(bundles, PolicyList(), None)
    return holding(bundles, await _decoded(reply, PolicyList), ours)


async def _decoded(reply: Reply, kind: type[T]) -> T:
    try:
        if len(reply.body) <= _AT_ONCE:
            return msgspec.json.decode(reply.body, type=kind)
        return await asyncio.to_thread(msgspec.json.decode, reply.body, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Lost(Kind.MALFORMED, "what it says of its policies is not what an OPA says") from None
