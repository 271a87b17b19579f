"""From a Corefile to a plan, with all complaints at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dnspolicy.app.directives import DIRECTIVES, NOT_YET
from dnspolicy.app.plan import BlockPlan, Plan, Room
from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.corefile.tree import Directive, ServerBlock


def read_plan(path: Path, environ: Mapping[str, str], default_port: int = 53) -> Plan:
    """Read and bind a Corefile. Raises ConfigError with every complaint, `file:line:column: …`, one a line."""
    complaints = Complaints()
    corefile = load(path, environ, default_port=default_port, complaints=complaints)
    blocks = tuple(_bind_block(block, complaints) for block in corefile.blocks)
    complaints.raise_if_any()
    return Plan(blocks, path.resolve().parent, corefile.files)


def files_of(path: Path, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The Corefile and all it imports now, as far as they can be read."""
    return load(path, environ, complaints=Complaints()).files or (path,)


def _bind_block(block: ServerBlock, complaints: Complaints) -> BlockPlan:
    rooms = []
    seen: dict[str, Directive] = {}
    for directive in block.directives:
        known = DIRECTIVES.get(directive.name)
        if known is None:
            if directive.name in NOT_YET:
                complaints.add(directive.at, f"plugin {directive.name} of CoreDNS is not part of this version")
            else:
                complaints.unknown(directive, DIRECTIVES)
            continue
        first = seen.setdefault(directive.name, directive)
        if first is not directive and not known.repeatable:
            complaints.add(
                directive.at, f"a second {directive.name} in one server block", expected=f"only the one at {first.at}"
            )
        config = bind(directive, known.config, complaints)
        if config is not None:
            rooms.append(Room(config, directive))
    return BlockPlan(block.keys, tuple(rooms))
