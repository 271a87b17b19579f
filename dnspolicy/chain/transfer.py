"""Rooms that can hand out whole zones (RFC 5936)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from dnspolicy.model.name import Name
from dnspolicy.model.rr import Record


@runtime_checkable
class TransferSource(Protocol):
    """A room with zones that may be transferred."""

    def zones(self) -> tuple[Name, ...]:
        """The zones it could hand out."""
        ...

    def transfer(self, zone: Name) -> tuple[Record, ...] | None:
        """All records of a zone, the SOA first and once more at the end; None when it is not there or not loaded."""
        ...

    def serial(self, zone: Name) -> int | None:
        """The serial of a zone's SOA; None when it is not there or not loaded."""
        ...


Told = Callable[[Name], None]
"""Called with a zone that has changed; on the event loop's thread."""


@runtime_checkable
class Announces(Protocol):
    """A source of transfers that tells secondaries when a zone has changed (RFC 1996)."""

    def announce_to(self, told: Told) -> None:
        """Call `told` with every zone that has changed from now on."""
        ...
