"""What to do with a packet, judged by its first twelve bytes (RFC 1035 4.1.1, RFC 8906)."""

from __future__ import annotations

from enum import Enum

from dnspolicy.model.rr import Rcode

HEADER = 12
_QR = 0x80
_OPCODE = 0x78
_NOTIFY = 0x20
MAX_ADDITIONAL = 2
"""An OPT and a TSIG."""


class Acceptance(Enum):
    """`READ` it, `NOTIFY`: acknowledge it, `IGNORE` it, or refuse it with an rcode."""

    READ = "read"
    NOTIFY = "notify"
    IGNORE = "ignore"
    FORMERR = Rcode.FORMERR
    NOTIMP = Rcode.NOTIMP


def accept(wire: bytes) -> Acceptance:
    """Judge the header. A reply (QR=1) and what has no whole header are ignored: answering could start a loop."""
    if len(wire) < HEADER or wire[2] & _QR:
        return Acceptance.IGNORE
    opcode = wire[2] & _OPCODE
    if opcode and opcode != _NOTIFY:
        return Acceptance.NOTIMP
    if wire[4] or wire[5] != 1:
        return Acceptance.FORMERR
    if wire[6] or wire[7] > 1 or wire[8] or wire[9] > 1 or wire[10] or wire[11] > MAX_ADDITIONAL:
        return Acceptance.FORMERR
    return Acceptance.NOTIFY if opcode else Acceptance.READ
