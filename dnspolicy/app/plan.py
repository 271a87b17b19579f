"""A Corefile, bound: the typed configuration of every room, by server block."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from dnspolicy.corefile.tree import Directive, Key
from dnspolicy.model.name import Name

T = TypeVar("T")


class Room(msgspec.Struct, frozen=True):
    """One directive with its typed configuration."""

    config: Any
    directive: Directive


class BlockPlan(msgspec.Struct, frozen=True):
    """One server block, bound."""

    keys: tuple[Key, ...]
    rooms: tuple[Room, ...]

    @property
    def zones(self) -> tuple[Name, ...]:
        return tuple(dict.fromkeys(key.zone for key in self.keys))

    def all(self, kind: type[T]) -> tuple[T, ...]:
        """The configurations of one type, in the order of the file."""
        return tuple(room.config for room in self.rooms if isinstance(room.config, kind))

    def one(self, kind: type[T]) -> T | None:
        """The configuration of a directive that stands once; None when it is not there."""
        found = self.all(kind)
        return found[0] if found else None

    def directive(self, config: object) -> Directive:
        return next(room.directive for room in self.rooms if room.config is config)


class Plan(msgspec.Struct, frozen=True):
    """All server blocks. `folder` is where relative paths begin; `files` is everything that was read."""

    blocks: tuple[BlockPlan, ...]
    folder: Path
    files: tuple[Path, ...]

    def path(self, text: str) -> Path:
        """A path of the Corefile: relative ones begin at its folder."""
        return Path(os.path.normpath(self.folder / text))
