"""What a policy refuses by itself when it is loaded: data that nobody reads, or that it cannot work with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from dnspolicy.engines.rego.binding import Evaluator
from dnspolicy.engines.rego.errors import Complaint
from dnspolicy.engines.rego.loaded import exhaust
from dnspolicy.engines.rego.program import Program
from dnspolicy.policy.engine import DataPath

RULE = "data.dnspolicy.refused"
"""By a key of the data: why it is refused. Evaluated without a question; documents that come later are `{}`."""


def refused(
    asked: Evaluator, program: Program, declared: tuple[DataPath, ...], places: Mapping[str, str]
) -> Iterator[Complaint]:
    """What the rule says. `places`: key of the data → the file it comes from. Raises RegoError."""
    if not program.matching(tuple(RULE.split(".")[1:])):
        return
    later = asked.copy()
    for path in declared:
        for piece in exhaust(later.pieces(path, b"{}")):
            later.put(piece)
    said = later.query(RULE, b"{}")
    try:
        found = {} if said is None else msgspec.json.decode(said, type=dict[str, str])
    except msgspec.ValidationError:
        found = {RULE: "it is to hold texts, by keys of the data"}
    for key, why in found.items():
        yield Complaint(places.get(key, f"data {key}"), 0, 0, why)
