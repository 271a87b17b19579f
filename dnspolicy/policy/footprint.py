"""What of its input a policy can read, and the projection of an input onto that."""

from __future__ import annotations

import msgspec

Path = tuple[str, ...]
"""Constant path below `input`: `("client", "namespace")`. A path stands for everything below it too."""


class Footprint(msgspec.Struct, frozen=True):
    """`paths` is a superset of what can be read. `timeless` is false when clock or randomness is read."""

    paths: frozenset[Path]
    timeless: bool = True

    def client_facts(self) -> frozenset[Path]:
        """The paths below `client`, without that first step; `((),)` when all of the client can be read."""
        found = {p[1:] for p in self.paths if p and p[0] == "client"}
        return frozenset({()} if () in self.paths or () in found else found)

    def reads(self, *path: str) -> bool:
        """Whether anything at, above or below `path` can be read."""
        return any(p == path[: len(p)] or path == p[: len(path)] for p in self.paths)
