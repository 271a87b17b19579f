"""What a policy engine is to the rest of the server."""

from __future__ import annotations

from typing import Protocol

from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.input import PolicyInput


class Engine(Protocol):
    """Decides. `name` is the word in the Corefile; `revision` is the content hash of policy and data in force.

    `footprint` is what the policy in force can read of its input.
    """

    name: str

    @property
    def revision(self) -> str: ...

    @property
    def footprint(self) -> Footprint: ...

    async def decide(self, question: PolicyInput, deadline: float) -> Verdict | None:
        """The verdict, or None when the policy says nothing (undefined). `deadline` is monotonic time.

        Raises EngineUnavailable, EngineTimeout and EngineBadReply, and nothing else.
        """
        ...
