"""Messages that must not be believed, for the fake upstream to send."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from dnspolicy.model.answer import Answer
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Record, Type
from dnspolicy.wire import rdata
from dnspolicy.wire.encode import MAX_TCP, encode_answer

FORGED = "203.0.113.66"
"""The address in every forged answer; it must never be seen by a client."""


class Lie(StrEnum):
    """Messages sent ahead of the true answer. Those that can hold an answer hold `FORGED`."""

    WRONG_ID = "wrong id"
    WRONG_NAME = "wrong name"
    WRONG_TYPE = "wrong type"
    NO_QUESTION = "no question"
    NOT_A_REPLY = "not a reply"
    EMPTY = "empty"
    SHORT = "short"
    NOISE = "noise"
    CUT = "cut"
    LOOP = "compression loop"


class TcpTrick(StrEnum):
    """What goes wrong over TCP."""

    NONE = "none"
    CLOSE = "close"
    CLOSE_AFTER = "close after"
    """A whole answer, and then the connection is closed."""
    CUT = "cut"
    EMPTY_FRAME = "empty frame"
    LONG_LENGTH = "long length"


def forge(lie: Lie, query: Query) -> bytes:
    """A message that must not be believed."""
    other = from_text("forged.test")
    forged = encode_answer(query, _forgery(query.name), MAX_TCP)
    match lie:
        case Lie.WRONG_ID:
            return (query.id ^ 0x5A5A).to_bytes(2, "big") + forged[2:]
        case Lie.WRONG_NAME:
            return encode_answer(asking(query, other), _forgery(other), MAX_TCP)
        case Lie.WRONG_TYPE:
            return encode_answer(
                msgspec.structs.replace(query, qtype=query.qtype ^ 0x20), _forgery(query.name), MAX_TCP
            )
        case Lie.NO_QUESTION:
            return forged[:4] + b"\0\0" + forged[6:12] + forged[12 + len(query.asked.wire) + 4 :]
        case Lie.NOT_A_REPLY:
            return forged[:2] + bytes((forged[2] & 0x7F,)) + forged[3:]
        case Lie.EMPTY:
            return b""
        case Lie.SHORT:
            return forged[:7]
        case Lie.NOISE:
            return b"\xff" * 64
        case Lie.CUT:
            return forged[: 12 + len(query.asked.wire) + 4 + 6]
        case Lie.LOOP:
            at = 12 + len(query.asked.wire) + 4
            return forged[:at] + (0xC000 | at).to_bytes(2, "big") + forged[at + 2 :]


def _forgery(owner: Name) -> Answer:
    return Answer(answer=(Record(owner, int(Type.A), 3600, rdata.address(FORGED)),), ra=True)


def asking(query: Query, name: Name) -> Query:
    """The query as if it had asked for another name."""
    return msgspec.structs.replace(query, name=name, asked=name)


def frame(wire: bytes) -> bytes:
    """With its length in front (RFC 1035 4.2.2)."""
    return len(wire).to_bytes(2, "big") + wire


def broken(trick: TcpTrick, wire: bytes) -> bytes:
    """What is sent over TCP instead of the frame."""
    if trick is TcpTrick.CLOSE_AFTER:
        return frame(wire)
    if trick is TcpTrick.EMPTY_FRAME:
        return b"\0\0"
    if trick is TcpTrick.LONG_LENGTH:
        return (len(wire) + 40_000).to_bytes(2, "big") + wire
    return frame(wire)[: len(wire) // 2]
