"""gzip, within bounds (RFC 1952)."""

from __future__ import annotations

import zlib

from dnspolicy.bundle.errors import BundleError
from dnspolicy.bundle.limits import Limits

_GZIP = 31
_PIECE = 1 << 20


def gunzip(raw: bytes, limits: Limits) -> bytes:
    """The content of one gzip stream that is all there is. Raises BundleError."""
    if len(raw) > limits.packed:
        raise BundleError(f"larger than {limits.packed} bytes")
    if raw[:2] != b"\x1f\x8b":
        raise BundleError("not a gzip archive", remedy="a bundle is a .tar.gz file")
    most = min(limits.unpacked, max(limits.small, len(raw) * limits.ratio))
    inflate = zlib.decompressobj(_GZIP)
    parts, size, rest = [], 0, raw
    try:
        while rest and not inflate.eof:
            part = inflate.decompress(rest, _PIECE)
            rest = inflate.unconsumed_tail
            parts.append(part)
            size += len(part)
            if size > most:
                raise BundleError(_too_large(most, limits))
    except zlib.error as problem:
        raise BundleError(f"damaged: {problem}") from None
    if not inflate.eof:
        raise BundleError("damaged: it ends too early")
    if inflate.unused_data:
        raise BundleError("something follows the end of the archive")
    return b"".join(parts)


def _too_large(most: int, limits: Limits) -> str:
    if most == limits.unpacked:
        return f"unpacked larger than {most} bytes"
    return f"unpacked more than {limits.ratio} times as large as packed"
