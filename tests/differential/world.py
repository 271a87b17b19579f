"""What the cluster and the name server behind it hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.conformance import suite

HERE = Path(__file__).parent
Fixtures = dict[str, Any]


def fixtures() -> Fixtures:
    """Those of the conformance cases and those of cluster.yaml."""
    held, more = dict(suite.load().fixtures), _more()
    for kind in ("namespaces", "services"):
        held[kind] = {**held[kind], **more[kind]}
    return {**held, "slices": [*held["slices"], *more["slices"]]}


def upstream() -> Fixtures:
    """What the name server outside says."""
    return {**suite.load().upstreams["public"], **_more()["upstream"]}


def _more() -> Fixtures:
    found: Fixtures = yaml.safe_load((HERE / "cluster.yaml").read_text())
    return found
