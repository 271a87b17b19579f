"""The way in: a path → a Corefile, or all that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dnspolicy.corefile.blocks import server_blocks
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.expand import Expander
from dnspolicy.corefile.files import Files
from dnspolicy.corefile.tree import Corefile, Position

DEFAULT_PORT = 53


def load(
    path: Path, environ: Mapping[str, str], *, default_port: int = DEFAULT_PORT, complaints: Complaints | None = None
) -> Corefile:
    """Read a Corefile and everything it imports.

    `environ` holds what `{$NAME}` and `{%NAME%}` stand for. Keys without a port get `default_port`. Raises ConfigError
    with all complaints; with `complaints` given they go there instead, and what could be read is returned, so that a
    caller can go on to bind the directives and tell everything at once.
    """
    told = Complaints() if complaints is None else complaints
    files = Files(told)
    statements = Expander(files, environ, told).expand(path)
    blocks = server_blocks(statements, default_port, told)
    if not blocks and not told:
        told.add(Position(str(path), 1, 1), "there is no server block", expected='one such as ".:53 { … }"')
    if complaints is None:
        told.raise_if_any()
    return Corefile(blocks, files.read)
