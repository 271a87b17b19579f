"""The `alarms` directive."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration, Size, Zone


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """When an alarm is raised, for how long, and of how many clients and domains it is known what they ask.

    `window` and `hold` in seconds; `length` and `bytes` in bytes in front of a domain, `entropy` in bits for each of
    them. `queries` is None where their number alone is no reason.
    """

    window: Annotated[Duration, msgspec.Meta(ge=1, le=3_600)] = Duration(60.0)
    names: Annotated[int, msgspec.Meta(ge=8, le=2_000)] = 100
    length: Annotated[int, msgspec.Meta(ge=1, le=255)] = 40
    entropy: Annotated[float, msgspec.Meta(ge=0, le=8)] = 3.5
    bytes: Annotated[Size, msgspec.Meta(ge=64)] = Size(4 << 10)
    queries: Annotated[int | None, msgspec.Meta(ge=1)] = None
    hold: Annotated[Duration, msgspec.Meta(ge=1, le=604_800)] = Duration(600.0)
    domain_labels: Annotated[int, msgspec.Meta(ge=1, le=10)] = 2
    clients: Annotated[int, msgspec.Meta(ge=16, le=1_000_000)] = 4_096
    domains: Annotated[int, msgspec.Meta(ge=1, le=1_024)] = 16
    except_: tuple[Zone, ...] = ()
