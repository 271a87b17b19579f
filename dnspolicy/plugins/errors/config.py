"""The `errors` directive."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.regex import Regex
from dnspolicy.corefile.schema import Duration, Positional


class Target(StrEnum):
    STDOUT = "stdout"
    """What CoreDNS allows to be written; lines go to the standard error all the same."""


class Level(StrEnum):
    """How a line begins. Lines of `debug` are written in a server block with `debug` only."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    DEBUG = "debug"


class First(StrEnum):
    SHOW_FIRST = "show_first"
    """The first of the failures is written at once."""


class Consolidate(msgspec.Struct, frozen=True):
    """`consolidate DURATION REGEXP [LEVEL] [show_first]`."""

    duration: Annotated[Duration, Positional, msgspec.Meta(gt=0)]
    regexp: Annotated[str, Positional]
    level: Annotated[Level, Positional] = Level.ERROR
    show_first: Annotated[First | None, Positional] = None

    def __post_init__(self) -> None:
        Regex(self.regexp)

    @property
    def pattern(self) -> Regex:
        """The regular expression."""
        return Regex(self.regexp)


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`errors { consolidate …; stacktrace }`."""

    target: Annotated[Target, Positional] = Target.STDOUT
    consolidate: tuple[Consolidate, ...] = ()
    stacktrace: bool = False
