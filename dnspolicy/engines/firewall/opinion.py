"""An OPA as rule lists ask it: a flat object of texts goes there, a word comes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec import UNSET

from dnspolicy.engines.opa.connection import Lost
from dnspolicy.engines.opa.door import Door
from dnspolicy.engines.opa.failures import failure, paused
from dnspolicy.engines.opa.replies import read_reply
from dnspolicy.model.errors import EngineBadReply
from dnspolicy.policy.firewall import Listed
from dnspolicy.policy.firewall.fields import Field
from dnspolicy.policy.footprint import Path
from dnspolicy.policy.input import PolicyInput

HOLD = 2.0
"""Seconds that a word is remembered, as nobody says when the policy over there changes."""


class OpaOpinion:
    """Asks through a door. A field that is not known is not sent, so a rule that needs it is undefined."""

    holds = HOLD

    def __init__(self, door: Door, fields: Sequence[Field], *, monotonic: Callable[[], float]) -> None:
        self._door = door
        self._now = monotonic
        self._fields = tuple(fields)
        self.reads: frozenset[Path] = frozenset(path for field in fields for path in field.reads)

    async def ask(self, question: PolicyInput, address: str | None, deadline: float) -> Listed | None:
        """The word for a question, about one address of an answer if there is one."""
        told = {field.name: value for field in self._fields if (value := field.read(question, address)) is not None}
        if not self._door.breaker.admits(self._now()):
            self._door.skipped()
            raise paused((self._door,), self._now())
        try:
            said = read_reply(await self._door.decide(msgspec.json.encode({"input": told}), deadline))
        except Lost as lost:
            raise failure(lost) from None
        if said.result is UNSET:
            return None
        try:
            return msgspec.json.decode(said.result, type=Listed)
        except msgspec.MsgspecError:
            self._door.bad_reply()
            raise EngineBadReply(f"OPA: expected one of {', '.join(Listed)}") from None
