"""What is said between the server and the process that evaluates policies of namespaces.

Each message is its size, 4 bytes in network order, and MessagePack. What asks is answered in its order by one Said.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dnspolicy.engines.rego import Loaded
from dnspolicy.policy.settings.failure import FailureKind

MAX_MESSAGE = 64 << 20
"""Bytes."""


class Put(msgspec.Struct, frozen=True, tag="put"):
    """Make a policy ready to be asked under a number."""

    slot: int
    namespace: str
    loaded: Loaded


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """What does it say to an input document (JSON)?

    `deadline` is monotonic time, which is one in all processes; an evaluation may take `seconds` of it.
    """

    slot: int
    document: bytes
    deadline: float
    seconds: float


class Forget(msgspec.Struct, frozen=True, tag="forget"):
    """Let go of a policy. Is not answered."""

    slot: int


class Said(msgspec.Struct, frozen=True):
    """The `reply` (JSON; None for nothing said), or the `failure` and its text."""

    reply: bytes | None = None
    failure: FailureKind | None = None
    text: str = ""


Message = Put | Ask | Forget
_encoder = msgspec.msgpack.Encoder()
_messages: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)
_saids = msgspec.msgpack.Decoder(Said)


def frame(message: Message | Said) -> bytes:
    """The bytes of a message, with its size before it."""
    raw = _encoder.encode(message)
    return len(raw).to_bytes(4, "big") + raw


def read_message(raw: bytes) -> Message:
    """A message without its size. Raises msgspec.MsgspecError."""
    return _messages.decode(raw)


class SaidReader:
    """Finds what was said in bytes as they come. Raises msgspec.MsgspecError, and ValueError for one too large."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[Said]:
        """Take more bytes; all that is whole by now."""
        buffer = self._buffer + data if self._buffer else data
        at = 0
        while len(buffer) - at >= 4:
            size = int.from_bytes(buffer[at : at + 4], "big")
            if size > MAX_MESSAGE:
                raise ValueError(f"a message of {size} bytes")
            if len(buffer) - at - 4 < size:
                break
            yield _saids.decode(buffer[at + 4 : at + 4 + size])
            at += 4 + size
        self._buffer = buffer[at:]
