"""From folders to a checked revision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dnspolicy.engines.rego.binding import Evaluator, RegoError
from dnspolicy.engines.rego.errors import from_regorus, refuse
from dnspolicy.engines.rego.loaded import Loaded
from dnspolicy.engines.rego.sources import Limits, read
from dnspolicy.policy.footprint import Footprint

ENTRYPOINT = "data.dnspolicy.decision"


def load(folders: Sequence[Path], entrypoint: str = ENTRYPOINT, *, limits: Limits = Limits()) -> Loaded:  # noqa: B008
    """Read and check policies. Raises PolicyLoadError with all complaints."""
    sources, complaints = read(folders, limits)
    evaluator = Evaluator()
    texts = {s.file: s.text for s in sources.policies}
    for source in sources.policies:
        try:
            evaluator.add_policy(source)
        except RegoError as problem:
            complaints.append(from_regorus(str(problem), texts, source.file))
    if complaints:
        raise refuse(complaints)
    return Loaded(sources.policies, sources.data, sources.revision, entrypoint, Footprint(frozenset({()})))
