"""How much a bundle may ask for."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of the archive, packed and unpacked; entries in it, folders and headers included.

    An archive of more than `small` bytes unpacked may not be `ratio` times as large as packed.
    """

    packed: int = 64 << 20
    unpacked: int = 256 << 20
    entries: int = 10_000
    ratio: int = 200
    small: int = 16 << 20


USUAL = Limits()
