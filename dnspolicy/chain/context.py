"""What travels beside a query: facts found on the way, each set once by the room that owns it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from dnspolicy.model.answer import Reply
from dnspolicy.model.facts import AnswerFacts
from dnspolicy.model.identity import NOBODY, Identity
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query, Via
from dnspolicy.model.target import Target
from dnspolicy.model.verdict import Phase, Verdict

Resolve = Callable[[Query, "QueryContext"], Awaitable[Reply]]
"""The whole server, from choosing a server block on."""


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """The name `about` judged in one phase. `seconds` is what asking the engine took, 0 for a remembered decision.

    `via`, `target` and `facts` are what the policy was shown besides, for records of level full; `target` is None when
    it was not asked.
    """

    about: Name
    phase: Phase
    verdict: Verdict
    seconds: float
    cached: bool
    via: Via = Via.CLIENT
    target: Target | None = None
    facts: AnswerFacts | None = None

    @property
    def name(self) -> str:
        return str(self.about)


class QueryContext(msgspec.Struct, eq=False):
    """Lives as long as one query.

    `deadline`: monotonic time (seconds) at which the client must have its answer. `now`: monotonic time of arrival.
    `depth`: how many times the server is asking itself on behalf of this query; `asked`: how often it did so in all.
    `identity` is set by the identity room, `judgements` by the policy room, `original` (the answer before the policy
    changed it) too, and `rewritten`, the name that a policy put in the place of another, while that is resolved.
    """

    source: str
    port: int
    now: float
    deadline: float
    resolve: Resolve
    server_ip: str = ""
    server_port: int = 0
    depth: int = 0
    asked: int = 0
    zone: str = ""
    identity: Identity = NOBODY
    judgements: list[Judgement] = []
    original: Reply | None = None
    rewritten: Name | None = None
