"""A policy that was checked, ready to be put in force in any thread."""

from __future__ import annotations

from collections.abc import Generator

import msgspec

from dnspolicy.engines.rego.binding import Evaluator, RegoError, chunks
from dnspolicy.engines.rego.feeding import DataPath
from dnspolicy.engines.rego.sources import Source
from dnspolicy.model.errors import PolicyLoadError
from dnspolicy.policy.footprint import Footprint

_UNLIMITED = 2**31 - 1


class Loaded(msgspec.Struct, frozen=True):
    """One revision: checked files and what is known of them. Holds no evaluator, so it may cross threads.

    `is_rule`: whether the entrypoint is one plain rule, which is evaluated a little faster than a reference.
    `prints`: whether a rule calls `print`. `declared`: paths below `data` where documents may be put later.
    """

    policies: tuple[Source, ...]
    data: bytes
    revision: str
    entrypoint: str
    footprint: Footprint
    is_rule: bool = True
    prints: bool = False
    declared: tuple[DataPath, ...] = ()

    def build(self) -> Evaluator:
        """An evaluator for this thread, at once. Raises PolicyLoadError."""
        evaluator = _empty()
        try:
            for source in self.policies:
                evaluator.add_policy(source)
            evaluator.add_data(self.data)
        except RegoError as problem:
            raise PolicyLoadError(str(problem)) from None
        return evaluator

    def build_slowly(self) -> Generator[None, None, Evaluator]:
        """Build in steps of a few milliseconds; the evaluator is the generator's return value.

        Raises PolicyLoadError.
        """
        evaluator = _empty()
        try:
            for source in self.policies:
                evaluator.add_policy(source)
                yield
            for part in chunks(msgspec.json.decode(self.data)):
                evaluator.add_data(msgspec.json.encode(part))
                yield
        except RegoError as problem:
            raise PolicyLoadError(str(problem)) from None
        return evaluator


def _empty() -> Evaluator:
    evaluator = Evaluator()
    evaluator.set_limits(_UNLIMITED, _UNLIMITED, _UNLIMITED)  # the check had limits of its own
    return evaluator
