"""What a Corefile says, as frozen trees in which every word knows its place."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec

from dnspolicy.model.name import Name


class Position(msgspec.Struct, frozen=True, order=True, gc=False):
    """A place in a file; line and column count from 1, columns in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Word(msgspec.Struct, frozen=True, gc=False):
    """One word. `quoted` words are never braces or comments."""

    text: str
    at: Position
    quoted: bool = False


class Directive(msgspec.Struct, frozen=True):
    """A line `NAME words…` and the lines of its block. `braces`: it has a block, maybe an empty one."""

    name: str
    words: tuple[Word, ...]
    options: tuple[Directive, ...]
    at: Position
    braces: bool = False

    @property
    def head(self) -> Word:
        """The name as a word."""
        return Word(self.name, self.at)


class Scheme(StrEnum):
    """Transports a key can ask for."""

    DNS = "dns"


class Key(msgspec.Struct, frozen=True):
    """One zone on one port."""

    zone: Name
    port: int
    scheme: Scheme
    at: Position

    def __str__(self) -> str:
        """As CoreDNS shows it: `dns://example.org.:53`."""
        return f"{self.scheme}://{self.zone}{'.' if self.zone.labels else ''}:{self.port}"


class ServerBlock(msgspec.Struct, frozen=True):
    """One or more keys and what answers for them. `at` is the first key."""

    keys: tuple[Key, ...]
    directives: tuple[Directive, ...]
    at: Position


class Corefile(msgspec.Struct, frozen=True):
    """All server blocks, and every file that was read for them, the main one first."""

    blocks: tuple[ServerBlock, ...]
    files: tuple[Path, ...]
