"""Loading text as a Corefile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dnspolicy.corefile.load import load
from dnspolicy.corefile.tree import Corefile, Directive
from dnspolicy.model.errors import ConfigError

NO_VARIABLES: Mapping[str, str] = {}


def load_text(folder: Path, text: str | bytes, environ: Mapping[str, str] = NO_VARIABLES) -> Corefile:
    path = folder / "Corefile"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(path, environ)


def complaints_of(folder: Path, text: str | bytes, environ: Mapping[str, str] = NO_VARIABLES) -> list[str]:
    """The complaints, with the folder's name taken out."""
    try:
        load_text(folder, text, environ)
    except ConfigError as problem:
        return str(problem).replace(f"{folder}/", "").split("\n")
    return []


def plain(directive: Directive) -> list[Any]:
    """A directive as lists: its words, and the options when it has any."""
    line: list[Any] = [directive.name, *(word.text for word in directive.words)]
    return [*line, [plain(option) for option in directive.options]] if directive.options else line


def body(corefile: Corefile, block: int = 0) -> list[Any]:
    return [plain(directive) for directive in corefile.blocks[block].directives]


def keys(corefile: Corefile) -> list[list[str]]:
    return [[str(key) for key in block.keys] for block in corefile.blocks]
