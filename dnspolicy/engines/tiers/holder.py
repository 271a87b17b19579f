"""Holds the policies of namespaces and evaluates them, one question after another."""

from __future__ import annotations

import time
from collections.abc import Callable

from dnspolicy.engines.rego import Loaded, RegoEngine
from dnspolicy.engines.tiers.budget import Budget
from dnspolicy.model.errors import EngineTimeout, EngineUnavailable


class Holder:
    """`share` is the part of the time that each namespace may take. A policy is known by the number it is put under.

    A namespace may have several for a while: the one in force, and those that questions under way began with. They
    share its time, also with those that come later: whoever changes a policy often has no more time for that.
    """

    def __init__(self, share: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._now = monotonic
        self._engines: dict[int, tuple[str, RegoEngine]] = {}
        self._budgets: dict[str, Budget] = {}

    def put(self, slot: int, namespace: str, loaded: Loaded) -> None:
        """Make ready to be asked. Raises PolicyLoadError."""
        self._engines[slot] = (namespace, RegoEngine(loaded, monotonic=self._now))
        self._budgets.setdefault(namespace, Budget(self._share, self._now()))

    def forget(self, slot: int) -> None:
        """Let go of a policy; nothing when it is not there."""
        self._engines.pop(slot, None)

    def reply(self, slot: int, document: bytes, deadline: float) -> bytes | None:
        """What a policy says to an input document, as JSON; None for nothing. `deadline` is monotonic time.

        Raises EngineTimeout, EngineBadReply and EngineUnavailable.
        """
        namespace, engine = self._engines.get(slot, ("", None))
        if engine is None:
            raise EngineUnavailable("it is still being prepared")
        budget, began = self._budgets[namespace], self._now()
        if budget.empty(began):
            raise EngineTimeout("it has used up its share of the server's time")
        try:
            return engine.reply_now(document, deadline)
        finally:
            budget.spend(self._now() - began)
