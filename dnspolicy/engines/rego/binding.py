"""What evaluates Rego: a JSON-in, JSON-out evaluator with policies and data, in one of two builds of one interpreter.

`native` is ours (folder `native/`, built by `make native`); `wheel` comes with the other requirements and lacks limits.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from typing import Any, Protocol

from dnspolicy.engines.rego.sources import Source
from dnspolicy.model.errors import PolicyLoadError

CHOICE = "DNSPOLICY_REGO"
"""The environment variable that names a binding."""


class Binding(StrEnum):
    """How regorus is bound."""

    NATIVE = "native"
    WHEEL = "wheel"


class Evaluator(Protocol):
    """One set of policies with its data. Not for several threads at once. Every method raises RegoError."""

    limited: bool
    """Whether `seconds` and `memory` (bytes) are heeded. 0 is no limit."""
    seconds: float
    memory: int

    def add_policy(self, source: Source) -> None:
        """Parse one file."""
        ...

    def add_data(self, data: bytes) -> None:
        """Merge one JSON object in."""
        ...

    def pieces(self, path: tuple[str, ...], document: bytes) -> Generator[None, None, tuple[Any, ...]]:
        """Read JSON that is to lie at a path, in steps of a few milliseconds unless `threaded`; what `put` takes."""
        ...

    def put(self, piece: Any) -> None:
        """Merge a piece in: a few milliseconds at most."""
        ...

    def warm(self, path: str, document: bytes) -> None:
        """Prepare the rules by one evaluation, whatever comes of it."""
        ...

    def close(self, *pieces: Any) -> None:
        """Free it, and pieces that nobody needs any more. It is not used again."""
        ...

    def set_limits(self, columns: int, lines: int, size: int) -> None:
        """Limits for files added from now on."""
        ...

    def trees(self) -> list[dict[str, Any]]:
        """The syntax trees of all files."""
        ...

    def rule(self, path: str, document: bytes) -> bytes | None:
        """The value of a rule as JSON; None when undefined."""
        ...

    def query(self, path: str, document: bytes) -> bytes | None:
        """The value of any reference as JSON; None when undefined."""
        ...

    def alone(self, path: str) -> bytes | None:
        """The value of a rule without any input, as JSON; None when undefined."""
        ...

    def prints(self) -> list[str]:
        """What `print` said since last asked."""
        ...

    def cover(self) -> None:
        """Note which lines are evaluated from now on."""
        ...

    def coverage(self) -> dict[str, tuple[list[int], list[int]]]:
        """Per file the lines that were evaluated and those that were not."""
        ...

    def copy(self) -> Evaluator:
        """Another one with the same policies and data, which both share: 10 µs."""
        ...


@cache
def available(binding: Binding) -> bool:
    """Whether a binding is installed."""
    return find_spec({Binding.NATIVE: "dnspolicy_native", Binding.WHEEL: "regorus"}[binding]) is not None


def preferred() -> Binding:
    """What `$DNSPOLICY_REGO` names, else native when it was built. Raises PolicyLoadError for a word it cannot be."""
    word = os.environ.get(CHOICE, "")
    if word:
        if word not in tuple(Binding):
            raise PolicyLoadError(f"{CHOICE}={word}: expected native or wheel")
        return Binding(word)
    return Binding.NATIVE if available(Binding.NATIVE) else Binding.WHEEL


def threaded(binding: Binding | None) -> bool:
    """Whether evaluators may go from thread to thread, and let others run while they are prepared."""
    return (binding or preferred()) is Binding.NATIVE


def evaluator(binding: Binding | None = None, *, strict: bool = True) -> Evaluator:
    """An empty evaluator. Without `strict` a builtin that fails is undefined, where the binding can do that.

    Raises PolicyLoadError when the binding is not installed.
    """
    binding = binding or preferred()
    if not available(binding):
        remedy = "run `make native`" if binding is Binding.NATIVE else "install the requirements"
        raise PolicyLoadError(f"the {binding} binding of the embedded engine is not installed; {remedy}")
    # Imported when chosen: either may be absent, and both together would cost twice the memory.
    if binding is Binding.NATIVE:
        from dnspolicy.engines.rego.native import NativeEvaluator

        return NativeEvaluator(strict=strict)
    from dnspolicy.engines.rego.wheel import WheelEvaluator

    return WheelEvaluator()
