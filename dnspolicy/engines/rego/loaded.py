"""A policy that was checked, ready to be put in force in any thread."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar, cast

import msgspec

from dnspolicy.engines.rego.binding import Binding, Evaluator, evaluator
from dnspolicy.engines.rego.failing import RegoError
from dnspolicy.engines.rego.sources import Source
from dnspolicy.model.errors import PolicyLoadError
from dnspolicy.policy.engine import DataPath
from dnspolicy.policy.footprint import Footprint

_UNLIMITED = 2**31 - 1
T = TypeVar("T")


class Loaded(msgspec.Struct, frozen=True):
    """One revision: checked files and what is known of them. Holds no evaluator, so it may cross threads.

    `is_rule`: whether the entrypoint is one plain rule, which is evaluated a little faster than a reference.
    `prints`: whether a rule calls `print`. `declared`: paths below `data` where documents may be put later.
    `memory`: bytes that one evaluation may take, where that can be limited. `binding`: None is the preferred one.
    """

    policies: tuple[Source, ...]
    data: bytes
    revision: str
    entrypoint: str
    footprint: Footprint
    is_rule: bool = True
    prints: bool = False
    declared: tuple[DataPath, ...] = ()
    memory: int = 0
    binding: Binding | None = None

    def build(self) -> Evaluator:
        """An evaluator for this thread, at once. Raises PolicyLoadError."""
        return exhaust(self.build_slowly())

    def build_slowly(self) -> Generator[None, None, Evaluator]:
        """Build in steps of a few milliseconds; the evaluator is the generator's return value.

        A step of a `threaded` evaluator may take longer. Raises PolicyLoadError.
        """
        made = self.empty()
        try:
            for source in self.policies:
                made.add_policy(source)
                yield
            for piece in (yield from made.pieces((), self.data)):
                made.put(piece)
                yield
        except RegoError as problem:
            raise PolicyLoadError(str(problem)) from None
        return made

    def empty(self) -> Evaluator:
        """An evaluator without policies and data. Raises PolicyLoadError when the binding is not installed."""
        made = evaluator(self.binding, strict=False)
        made.set_limits(_UNLIMITED, _UNLIMITED, _UNLIMITED)  # the check had limits of its own
        return made


def exhaust(steps: Generator[None, None, T]) -> T:
    """Take all steps at once; what they return."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return cast(T, done.value)
