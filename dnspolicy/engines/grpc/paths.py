"""What a decision point says its policy reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.policy.document import (
    AlarmDocument,
    AnswerDocument,
    ClientDocument,
    InputDocument,
    OwnerDocument,
    QueryDocument,
    TargetDocument,
)
from dnspolicy.policy.footprint import EVERYTHING, EXISTS, OPTIONAL_OBJECTS, Path

MOST = 256
"""Paths that anything may name; beyond, all is read."""
_OPEN = frozenset({"labels", "namespace_labels", "alarms"})
"""Objects below which every step is a key."""


def _keys(document: Any) -> frozenset[str]:
    return frozenset(document.__struct_encode_fields__)


_BELOW = {
    (): _keys(InputDocument),
    ("client",): _keys(ClientDocument),
    ("query",): _keys(QueryDocument),
    ("target",): _keys(TargetDocument),
    ("answer",): _keys(AnswerDocument),
    ("client", "owner"): _keys(OwnerDocument),
}

_OF_ALARM = frozenset((key,) for key in _keys(AlarmDocument))


def read_paths(paths: pb.Paths) -> frozenset[Path] | None:
    """The paths of a message, whole: whether an optional object is there belongs to all that lies below it.

    None when one of them is no path of the input, for then nobody knows what is meant.
    """
    found: set[Path] = set()
    if len(paths.paths) > MOST:
        return EVERYTHING.paths
    for path in paths.paths:
        steps = tuple(path.steps)
        if not _known(steps):
            return None
        found.add(steps)
        found.update((*steps[:i], EXISTS) for i in range(1, len(steps)) if steps[:i] in OPTIONAL_OBJECTS)
    return EVERYTHING.paths if () in found else frozenset(found)


def _known(steps: Path) -> bool:
    """Whether the input has such a path; below a list and below a text there is none."""
    for depth, step in enumerate(steps):
        above = steps[:depth]
        if above in _BELOW:
            if step not in _BELOW[above] and step != EXISTS:
                return False
        elif above and above[-1] in _OPEN and len(above) == 2 and above[0] != "query":
            return depth == len(steps) - 1 or (above[-1] == "alarms" and steps[depth + 1 :] in _OF_ALARM)
        elif step != EXISTS:
            return False
    return True


def write_paths(paths: Iterable[Path]) -> pb.Paths:
    """As a message. What lies deeper than the input has names is named by what is above it."""
    return pb.Paths(paths=[pb.Path(steps=steps) for steps in sorted({_cut(path) for path in paths})])


def _cut(path: Path) -> Path:
    """The longest beginning of a path that the input knows; `EXISTS` stands for its object as a whole."""
    while path and not _known(path):
        path = path[:-1]
    return path
