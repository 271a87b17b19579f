"""Who ended the process that evaluates policies of namespaces is left alone, longer each time."""

from __future__ import annotations

FIRST, MOST = 10.0, 600.0
"""Seconds."""


class Strikes:
    """Times are monotonic, in seconds. A pause doubles when the next strike comes within as long again after it."""

    def __init__(self) -> None:
        self._pauses: dict[str, tuple[float, float]] = {}
        """Until when, and how long."""

    def strike(self, namespace: str, now: float) -> float:
        """Note that a namespace ended the process; for how long it is left alone."""
        self._pauses = {name: (until, long) for name, (until, long) in self._pauses.items() if now < until + long}
        _, before = self._pauses.get(namespace, (0.0, 0.0))
        pause = min(before * 2, MOST) if before else FIRST
        self._pauses[namespace] = (now + pause, pause)
        return pause

    def left(self, namespace: str, now: float) -> float:
        """Seconds for which it is still left alone; 0 when it may be asked."""
        if not self._pauses:
            return 0.0
        until, _ = self._pauses.get(namespace, (0.0, 0.0))
        return max(until - now, 0.0)
