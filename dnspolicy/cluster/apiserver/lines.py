"""A byte stream → lines."""

from __future__ import annotations


class Lines:
    """Cuts a stream at its newlines, wherever its chunks end. A line above `bound` bytes is dropped and counted."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._parts: list[bytes] = []
        self._size = 0
        self.dropped = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that are complete with this chunk, without empty ones."""
        first, *rest = chunk.split(b"\n")
        if not rest:
            self._keep(chunk)
            return []
        self._keep(first)
        found = [self._end()]
        for line in rest[:-1]:
            self._keep(line)
            found.append(self._end())
        self._keep(rest[-1])
        return [line for line in found if line]

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._bound:
            self._parts.clear()
        else:
            self._parts.append(part)

    def _end(self) -> bytes:
        too_long = self._size > self._bound
        line = b"" if too_long else b"".join(self._parts)
        self.dropped += too_long
        self._parts.clear()
        self._size = 0
        return line
