"""The `log` directive."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional
from dnspolicy.corefile.zones import zones
from dnspolicy.model.errors import BadName
from dnspolicy.model.name import Name


class ResponseClass(StrEnum):
    ALL = "all"
    SUCCESS = "success"
    """NOERROR with records, and delegations."""
    DENIAL = "denial"
    """NXDOMAIN, or no record of the type."""
    ERROR = "error"
    """Every other rcode, and no reply at all."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`log [NAMES…] [FORMAT] { class CLASSES… }`. No names: every query; no classes: every reply."""

    words: Annotated[tuple[str, ...], Positional] = ()
    class_: tuple[ResponseClass, ...] = ()

    def __post_init__(self) -> None:
        for word in self._name_words:
            try:
                zones(word)
            except BadName as problem:
                raise ValueError(f"{word!r} is no name: {problem}") from None

    @property
    def format(self) -> str:
        """The format, which is a last word with a brace in it; empty for the default one."""
        return self.words[-1] if self.words and "{" in self.words[-1] else ""

    @property
    def names(self) -> tuple[Name, ...]:
        """The names below which queries are logged."""
        return tuple(zone for word in self._name_words for zone in zones(word))

    @property
    def _name_words(self) -> tuple[str, ...]:
        return self.words[:-1] if self.format else self.words

    @property
    def classes(self) -> frozenset[ResponseClass] | None:
        """The classes that are logged; None for all."""
        return None if not self.class_ or ResponseClass.ALL in self.class_ else frozenset(self.class_)
