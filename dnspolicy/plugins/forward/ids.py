"""Message ids nobody can guess (RFC 5452 4.3)."""

from __future__ import annotations

import os

_TOGETHER = 512


class Ids:
    """Numbers from 0 to 65535 from the kernel's random source, some fetched at a time; none is used twice."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left: list[int] = []

    def take(self) -> int:
        """The next."""
        if not self._left:
            self._left.extend(memoryview(os.urandom(2 * _TOGETHER)).cast("H"))
        return self._left.pop()
