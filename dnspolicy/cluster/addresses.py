"""IP addresses as text that compares equal when the addresses are equal."""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

_HEX = b"0123456789abcdef"
_DASHED = frozenset(_HEX + b"-")
_MAPPED = bytes(10) + b"\xff\xff"


def packed(text: str) -> bytes:
    """The 4 or 16 bytes of an address; IPv4-mapped ones as IPv4 (RFC 4291 2.5.5.2). Raises ValueError."""
    try:
        if ":" not in text:
            return inet_pton(AF_INET, text)
        raw = inet_pton(AF_INET6, text.partition("%")[0])
    except (OSError, UnicodeError, ValueError):
        raise ValueError(f"{text!r} is not an IP address") from None
    return raw[12:] if raw.startswith(_MAPPED) else raw


def unpacked(raw: bytes) -> str:
    """Canonical text of 4 or 16 bytes; IPv4-mapped ones as IPv4."""
    if len(raw) == 4:
        return inet_ntop(AF_INET, raw)
    return inet_ntop(AF_INET, raw[12:]) if raw.startswith(_MAPPED) else inet_ntop(AF_INET6, raw)


def canonical(text: str) -> str:
    """Canonical text of an address in any spelling. Raises ValueError."""
    return unpacked(packed(text))


def from_dashed(label: bytes) -> str | None:
    """The address in the first label of a pod's name: `10-1-2-3`, `fd00--1`. None when it is none."""
    if not _DASHED.issuperset(label):
        return None
    text = label.decode()
    separator = "." if text.count("-") == 3 and "--" not in text else ":"
    try:
        return canonical(text.replace("-", separator))
    except ValueError:
        return None


def to_dashed(address: str) -> str:
    """An address as a label: dots and colons as dashes, a `0` after a trailing `::`."""
    label = address.replace(".", "-").replace(":", "-")
    return label + "0" if label.endswith("-") else label


def from_reverse(labels: tuple[bytes, ...]) -> str | None:
    """The address of a whole reverse name (RFC 1035 3.5, RFC 3596 2.5). None when it is none."""
    zone, digits = labels[-2:], labels[-3::-1]
    try:
        if zone == (b"in-addr", b"arpa") and len(digits) == 4 and all(map(bytes.isdigit, digits)):
            return canonical(b".".join(digits).decode())
        if zone == (b"ip6", b"arpa") and len(digits) == 32 and all(len(d) == 1 and d in _HEX for d in digits):
            return unpacked(bytes.fromhex(b"".join(digits).decode()))
    except ValueError:
        return None
    return None
