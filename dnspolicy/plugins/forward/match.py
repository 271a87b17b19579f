"""Whether some bytes are the answer to the question that was sent (RFC 5452 9.1)."""

from __future__ import annotations

from enum import StrEnum

from dnspolicy.wire.accept import HEADER

_NO_QUESTION, _ONE_QUESTION = b"\0\0", b"\0\1"
_FORMERR, _NOTIMP = 1, 4


class Match(StrEnum):
    """What came in. All but the first three are not believed; their values are metric labels."""

    ANSWER = "answer"
    TRUNCATED = "truncated"
    BARE_ERROR = "bare error"
    """Our id and an error, but no question: it says that it failed, and nothing else."""
    WRONG_ID = "id"
    WRONG_QUESTION = "question"
    MALFORMED = "malformed"


class Expected:
    """The id and question of one message sent."""

    __slots__ = ("_end", "_id", "_question")

    def __init__(self, sent: bytes, name_size: int) -> None:
        """`name_size`: bytes of the name in the question of `sent`."""
        self._id = sent[:2]
        self._end = HEADER + name_size + 4
        self._question = sent[HEADER : self._end]

    def match(self, wire: bytes) -> Match:
        """Judge a message by its header and question. Names match in any letters; type and class exactly."""
        if len(wire) < HEADER or wire[2] & 0xF8 != 0x80:
            return Match.MALFORMED
        if wire[:2] != self._id:
            return Match.WRONG_ID
        if wire[4:6] == _NO_QUESTION and wire[3] & 0x0F:
            return Match.BARE_ERROR
        question = wire[HEADER : self._end]
        if wire[4:6] != _ONE_QUESTION or not (question == self._question or self._alike(question)):
            return Match.WRONG_QUESTION
        return Match.TRUNCATED if wire[2] & 0x02 else Match.ANSWER

    def _alike(self, question: bytes) -> bool:
        asked = self._question
        return question[-4:] == asked[-4:] and question[:-4].lower() == asked[:-4].lower()


def dislikes_edns(wire: bytes) -> bool:
    """Whether it looks like the answer of a server that does not know EDNS (RFC 6891 7)."""
    return wire[3] & 0x0F in (_FORMERR, _NOTIMP)
