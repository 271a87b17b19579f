"""Packets that nobody sensible sends, the same for the same seed."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator

Maker = Callable[[random.Random], bytes]
NAMES = (
    b"\3web\5acorn\3svc\7cluster\5local\0",
    b"\3WeB\5aCoRn\3sVc\7cLuStEr\5LoCaL\0",
    b"\2db\5birch\3svc\7cluster\5local\0",
    b"\0017\0011\00296\00210\7in-addr\4arpa\0",
    b"\3www\4shop\7example\0",
    b"\3a.b\7example\0",
    b"\0",
    b"\x3f" + b"x" * 63 + b"\x3f" + b"y" * 63 + b"\x3f" + b"z" * 63 + b"\x3d" + b"w" * 61 + b"\0",
)
TYPES = (0, 1, 2, 5, 6, 12, 15, 16, 28, 33, 39, 41, 64, 65, 249, 250, 251, 252, 253, 255, 256, 65535)
CLASSES = (0, 1, 1, 1, 1, 3, 4, 254, 255, 65535)


def packets(seed: int, count: int) -> Iterator[bytes]:
    """Random bytes, queries with anything in them, valid queries bent, and everything that is odd about an OPT."""
    chance = random.Random(seed)
    for _ in range(count):
        yield chance.choice(_MAKERS)(chance)


def question(name: bytes, qtype: int = 1, qclass: int = 1) -> bytes:
    return name + struct.pack("!HH", qtype, qclass)


def query(body: bytes, *, number: int = 0, flags: int = 0x0100, counts: tuple[int, ...] = (1, 0, 0, 0)) -> bytes:
    return struct.pack("!HHHHHH", number, flags, *counts) + body


def opt(size: int = 1232, version: int = 0, flags: int = 0, options: bytes = b"", owner: bytes = b"\0") -> bytes:
    return owner + struct.pack("!HHBBHH", 41, size, 0, version, flags, len(options)) + options


def option(code: int, data: bytes) -> bytes:
    return struct.pack("!HH", code, len(data)) + data


def _noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice((0, 1, 11, 12, 13, 17, 40, 300, 1400)))


def _asked(chance: random.Random) -> bytes:
    return question(chance.choice(NAMES), chance.choice(TYPES), chance.choice(CLASSES))


def _anything(chance: random.Random) -> bytes:
    """Every opcode, flag, class and type."""
    return query(_asked(chance), number=chance.randrange(65536), flags=chance.randrange(65536))


def _counts(chance: random.Random) -> bytes:
    counts = tuple(chance.choice((0, 1, 2, 255, 65535)) for _ in range(4))
    return query(_asked(chance) * chance.randrange(4), counts=counts)


def _bent(chance: random.Random) -> bytes:
    wire = bytearray(query(_asked(chance) + opt(options=option(8, b"\0\1\x18\0\n\n\n")), counts=(1, 0, 0, 1)))
    for _ in range(chance.randrange(1, 6)):
        wire[chance.randrange(2, len(wire))] = chance.randrange(256)
    wire[2] &= 0x7F
    return bytes(wire[: chance.choice((len(wire), chance.randrange(len(wire))))])


def _labels(chance: random.Random) -> bytes:
    name = b"".join(b"\1" + chance.randbytes(1) for _ in range(chance.choice((1, 100, 126, 127, 128, 600)))) + b"\0"
    return query(question(name, chance.choice(TYPES)))


def _pointers(chance: random.Random) -> bytes:
    """Compression in the question and behind it: loops, forwards, into the header, chains."""
    targets = [chance.choice((0, 4, 12, 13, 14, 20, 29, 0x3FFF)) for _ in range(chance.randrange(1, 40))]
    names = b"".join(struct.pack("!H", 0xC000 | at) for at in targets)
    if chance.random() < 0.5:
        return query(b"\1a" + names + b"\0\1\0\1")
    record = names[:2] + struct.pack("!HHIH", chance.choice(TYPES), 1, 0, len(names)) + names
    return query(question(NAMES[0]) + record, counts=(1, 0, 0, 1))


def _opts(chance: random.Random) -> bytes:
    """Sizes, versions, options that run past the end, two of them, one in a wrong place or below a name."""
    options = b"".join(
        option(chance.choice((3, 5, 8, 10, 12, 15, 65001)), chance.randbytes(chance.choice((0, 1, 8, 40))))
        for _ in range(chance.choice((0, 1, 2, 30)))
    )
    options += chance.choice((b"", b"\0", b"\0\3\0\xff"))
    made = opt(
        chance.choice((0, 1, 511, 512, 1232, 65535)),
        chance.choice((0, 0, 0, 1, 255)),
        chance.choice((0, 0x8000, 0xFFFF)),
        options,
        chance.choice((b"\0", b"\0", b"\1a\0")),
    )
    count = chance.choice((1, 1, 1, 2))
    counts = chance.choice(((1, 0, 0, count), (1, 0, count, 0), (1, count, 0, 0)))
    return query(_asked(chance) + made * count, number=chance.randrange(65536), counts=counts)


_MAKERS: tuple[Maker, ...] = (_noise, _anything, _anything, _counts, _bent, _bent, _labels, _pointers, _opts, _opts)
