"""What goes wrong, on command."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from dnspolicy.testing.apiserver.refusal import Refusal


class Verb(StrEnum):
    """Kinds of requests. `CONTINUE` is a list's second and later pages."""

    LIST = "list"
    CONTINUE = "continue"
    WATCH = "watch"


class Trick(StrEnum):
    """Instead of the answer, before it, or in its middle.

    The first five are refusals: status 410, 429, 503, 500 and 504 with a Status object. `SLOW` waits before it answers.
    `SILENCE` never answers, or says nothing more on an open watch, and keeps the connection. `CUT` ends the connection
    in the middle of a line, `RESET` with a TCP reset. The rest is for watches: `END` ends one as a time-out does,
    `EXPIRED` says 410 in an ERROR event and ends, `FAILED` the same with 500; `MALFORMED` sends a line that is no JSON,
    `UNREADABLE` an object that cannot be decoded, `STRANGE` an event of an unknown type, and all three go on;
    `REPEAT` sends the last event again.
    """

    GONE = "gone"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    BROKEN = "broken"
    LATE = "late"
    SLOW = "slow"
    SILENCE = "silence"
    CUT = "cut"
    RESET = "reset"
    END = "end"
    EXPIRED = "expired"
    FAILED = "failed"
    MALFORMED = "malformed"
    UNREADABLE = "unreadable"
    STRANGE = "strange"
    REPEAT = "repeat"


_CODES = {Trick.GONE: 410, Trick.BUSY: 429, Trick.UNAVAILABLE: 503, Trick.BROKEN: 500, Trick.LATE: 504}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to requests of a verb and a resource (plural; all when not said).

    It happens `times` in a row, or for ever (None). `retry_after` and `seconds` (of a SLOW one) are in seconds. A fault
    of a watch strikes after `after` events.
    """

    trick: Trick
    verb: Verb | None = None
    resource: str = ""
    times: int | None = 1
    retry_after: int | None = None
    seconds: float = 0.0
    after: int = 0

    def concerns(self, verb: Verb, plural: str) -> bool:
        return self.verb in (None, verb) and self.resource in ("", plural)

    def refusal(self) -> Refusal | None:
        """What to refuse the request with, if the fault is a refusal."""
        code = _CODES.get(self.trick)
        return None if code is None else Refusal(code, "as commanded", self.retry_after)


class Faults:
    """The faults still to come, the oldest first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append((fault, fault.times))

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, verb: Verb, plural: str) -> Fault | None:
        """The fault that meets this request; counted off."""
        for at, (fault, left) in enumerate(self._waiting):
            if fault.concerns(verb, plural):
                if left is not None:
                    self._waiting[at : at + 1] = [(fault, left - 1)] if left > 1 else []
                return fault
        return None
