"""The policy of one namespace."""

from __future__ import annotations

from typing import Protocol

from dnspolicy.engines.rego import Loaded
from dnspolicy.engines.tiers.sight import encode
from dnspolicy.model.errors import EngineBadReply, EngineUnavailable
from dnspolicy.model.printable import printable
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.decode import decode
from dnspolicy.policy.footprint import Path
from dnspolicy.policy.input import PolicyInput


class Evaluator(Protocol):
    """Where policies of namespaces are evaluated: apart from the server, so that none can take it along."""

    async def put(self, namespace: str, loaded: Loaded) -> int:
        """Make a policy ready to be asked; the number it is asked under.

        Raises PolicyLoadError, and EngineUnavailable where another time may be better.
        """
        ...

    async def ask(self, slot: int, document: bytes, deadline: float, seconds: float) -> bytes | None:
        """What it says to an input document (JSON), as JSON; None for nothing. `deadline` is monotonic time.

        The evaluation may take `seconds`. Raises EngineTimeout, EngineBadReply and EngineUnavailable.
        """
        ...

    def forget(self, slot: int) -> None:
        """Let go of a policy when those that began to ask it are done."""
        ...

    async def close(self) -> None:
        """End all. It may be begun again by the next policy."""
        ...


class Tenant:
    """What is in force for the clients of a namespace: a policy under a number, or the `problem` for which it has none.

    `paths` is what it reads of a question, `revision` names its content.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        revision: str,
        *,
        slot: int | None = None,
        paths: frozenset[Path] = frozenset(),
        problem: str = "",
    ) -> None:
        self.slot = slot
        self.revision = revision
        self.paths = paths
        self._evaluator = evaluator
        self._problem = problem

    async def decide(self, question: PolicyInput, deadline: float, seconds: float) -> Verdict | None:
        """What it says, or None. `deadline` is monotonic time, of which the evaluation may take `seconds`.

        Raises what an engine does.
        """
        if self.slot is None:
            raise EngineUnavailable(self._problem)
        try:
            document = encode(question)
        except UnicodeError as failure:
            raise EngineBadReply(f"the input cannot be written as JSON: {printable(str(failure))}") from None
        reply = await self._evaluator.ask(self.slot, document, deadline, seconds)
        return None if reply is None else decode(reply, self.revision)

    def end(self) -> None:
        """It is no longer in force."""
        if self.slot is not None:
            self._evaluator.forget(self.slot)
