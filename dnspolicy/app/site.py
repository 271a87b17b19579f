"""Where a room stands: what its builder may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import BlockPlan, Plan
from dnspolicy.chain.metadata import Metadata
from dnspolicy.chain.metrics import ServerLabels
from dnspolicy.model.name import Name, from_text

if TYPE_CHECKING:
    from dnspolicy.app.rooms import Rooms


class Site(msgspec.Struct, frozen=True, eq=False):
    """One server block while its rooms are built.

    `parts` outlive a reload, `rooms` are those of all blocks of this configuration. `own` are the addresses clients
    reach the block at, `hosts` those of `bind`, or one that is empty. `labels` name the first of them, as one room
    serves all. `metadata` knows the labels of the block. `built` is what was built before; for a `late`
    directive that is all else.
    """

    parts: Parts
    rooms: Rooms
    plan: Plan
    block: BlockPlan
    own: tuple[str, ...]
    hosts: tuple[str, ...]
    labels: ServerLabels
    metadata: Metadata
    built: list[object]

    def zones(self, texts: tuple[str, ...]) -> tuple[Name, ...]:
        """The zones a directive names, or those of the server block."""
        return tuple(map(from_text, texts)) or self.block.zones
