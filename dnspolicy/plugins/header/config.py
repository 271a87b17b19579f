"""The `header` directive."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional


class _AnyCase(StrEnum):
    @classmethod
    def _missing_(cls, value: object) -> _AnyCase | None:
        return next((member for member in cls if member.value == str(value).lower()), None)


class Action(_AnyCase):
    SET = "set"
    CLEAR = "clear"


class Flag(_AnyCase):
    AA = "aa"
    """Authoritative answer."""
    RA = "ra"
    """Recursion available."""
    RD = "rd"
    """Recursion desired."""


class Change(msgspec.Struct, frozen=True):
    """`set|clear FLAGS…`."""

    action: Annotated[Action, Positional]
    flags: Annotated[tuple[Flag, ...], Positional]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`header { query|response set|clear FLAGS… }`. Of several changes of one flag the last one counts."""

    query: tuple[Change, ...] = ()
    response: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        if not self.query and not self.response:
            raise ValueError("write at least one line such as `response set ra`")
