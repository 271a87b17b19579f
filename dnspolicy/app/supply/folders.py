"""Folders with policies: what is in force is loaded from them, alone or beside bundles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from dnspolicy.corefile.regular import Fingerprint, fingerprint
from dnspolicy.engines.rego import Loaded, SourceFile, load
from dnspolicy.policy.engine import DataPath


class PolicyFolders(msgspec.Struct, frozen=True):
    """Where they are, which rule decides, and which paths of `data` are filled by others. `loads` loads them."""

    paths: tuple[Path, ...]
    entrypoint: str
    declared: tuple[DataPath, ...] = ()
    loads: Callable[..., Loaded] | None = None

    def look(self) -> Fingerprint:
        """What tells two states of all their files apart. Blocks."""
        return fingerprint(self.paths)

    def load(self, more: Sequence[SourceFile] = ()) -> Loaded:
        """What is in them now, with files that lie in none. Blocks. Raises PolicyLoadError."""
        return (self.loads or load)(self.paths, self.entrypoint, declared=self.declared, more=more)

    def __str__(self) -> str:
        """As seen from where the command runs, when they are below that."""
        return ", ".join(map(_short, self.paths))


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
