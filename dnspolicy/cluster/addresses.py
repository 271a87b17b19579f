"""IP addresses as text that compares equal when the addresses are equal."""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

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
    text = label.decode("latin-1")
    try:
        if text.count("-") == 3 and "--" not in text:
            return canonical(text.replace("-", "."))
        return canonical(text.replace("-", ":"))
    except ValueError:
        return None


def to_dashed(address: str) -> str:
    """An address as a label: dots and colons as dashes, a `0` after a trailing `::`."""
    label = address.replace(".", "-").replace(":", "-")
    return label + "0" if label.endswith("-") else label


def from_reverse(labels: tuple[bytes, ...]) -> str | None:
    """The address of a whole reverse name (RFC 1035 3.5, RFC 3596 2.5). None when it is none."""
    if len(labels) == 6 and labels[-2:] == (b"in-addr", b"arpa"):
        try:
            return canonical(b".".join(labels[3::-1]).decode("latin-1"))
        except ValueError:
            return None
    if len(labels) == 34 and labels[-2:] == (b"ip6", b"arpa") and all(len(label) == 1 for label in labels[:32]):
        try:
            return unpacked(bytes.fromhex(b"".join(labels[31::-1]).decode("latin-1")))
        except ValueError:
            return None
    return None
