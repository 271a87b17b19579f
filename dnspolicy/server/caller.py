"""Whoever sent a message, and the way back to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator


class Caller(ABC):
    """`source` is the plain text of the client's address, `ip` the address the message came to.

    `ip` is empty where the door listens on one address only.
    """

    __slots__ = ("ip", "port", "source")

    def __init__(self, source: str, port: int, ip: str) -> None:
        self.source = source
        self.port = port
        self.ip = ip

    @abstractmethod
    def send(self, wire: bytes) -> None:
        """Send the reply. Never raises."""

    async def stream(self, parts: Iterator[bytes]) -> int:
        """Send a reply of several messages, as fast as the client reads; the bytes sent. Never raises.

        Where one message is all there can be, the first is sent.
        """
        first = next(parts, b"")
        self.send(first)
        return len(first)

    def over(self) -> None:  # noqa: B027 most callers need not know
        """The message is done with, replied to or not."""


def plain(address: str) -> str:
    """An IPv4-mapped or scoped address as the plain one."""
    if ":" not in address:
        return address
    if address.startswith("::ffff:") and "." in address:
        return address[len("::ffff:") :]
    return address.partition("%")[0]
