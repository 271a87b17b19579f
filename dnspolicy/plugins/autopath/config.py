"""The `autopath` directive."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional
from dnspolicy.corefile.zones import zones
from dnspolicy.model.errors import BadName
from dnspolicy.model.name import Name

AT = "@"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`autopath [ZONES…] RESOLV-CONF|@PLUGIN`: the last word says where search lists come from."""

    words: Annotated[tuple[str, ...], Positional]

    def __post_init__(self) -> None:
        for word in self.words[:-1]:
            try:
                zones(word)
            except BadName as problem:
                raise ValueError(f"{word!r} is no zone: {problem}") from None
        if self.words[-1] == AT:
            raise ValueError(f"no plugin is named after {AT!r}; expected such as @kubernetes")

    @property
    def zones(self) -> tuple[Name, ...]:
        """The zones that are named, networks widened."""
        return tuple(zone for word in self.words[:-1] for zone in zones(word))

    @property
    def plugin(self) -> str:
        """The plugin that knows search lists; empty when they come from a file."""
        last = self.words[-1]
        return last.removeprefix(AT) if last.startswith(AT) else ""

    @property
    def file(self) -> str:
        return self.words[-1]
