"""One zone file, as the zones it is served as."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dnspolicy.corefile.regular import Signature
from dnspolicy.model.name import Name
from dnspolicy.plugins.file.lines import BadZone
from dnspolicy.plugins.file.reader import Reader
from dnspolicy.plugins.file.state import now, settled
from dnspolicy.plugins.file.zone import Zone, make


class Version(msgspec.Struct, frozen=True):
    """The zones of one state of the files, or what is wrong with them. `outside`: records left out."""

    stamps: dict[Path, Signature | None]
    zones: tuple[Zone, ...] = ()
    trouble: str = ""
    outside: int = 0


def read_version(path: Path, names: tuple[Name, ...]) -> Version:
    """Read a file once for each of the zones `names`. Takes a while: for a thread."""
    stamps: dict[Path, Signature | None] = {path: None}
    zones = []
    outside = 0
    for name in names:
        reader = Reader(name)
        try:
            content = reader.read(path)
            zones.append(make(name, content.records))
            outside += content.outside
        except BadZone as problem:
            text = str(problem)
            return Version(
                {**stamps, **reader.stamps}, trouble=text if text.startswith(str(path)) else f"{path}: {text}"
            )
        finally:
            stamps.update(reader.stamps)
    return Version(stamps, tuple(zones), outside=outside)


def newer_version(path: Path, names: tuple[Name, ...], known: Version) -> Version | None:
    """The version after `known`; None while nothing has changed or somebody is writing. For a thread."""
    seen = settled(known.stamps)
    if seen is None:
        return None
    found = read_version(path, names)
    return found if now(found.stamps) == found.stamps else None
