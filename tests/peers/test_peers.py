"""What the table says is what the modules pin."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.table import BY_PROGRAM, KUBERNETES


@pytest.mark.parametrize(
    ("module", "pinned"),
    [
        ("kube", f"k8s.io/kubernetes {KUBERNETES}"),
        ("etcd", f"go.etcd.io/etcd/server/v3 v{BY_PROGRAM['etcd'].says.split()[-1]}"),
    ],
)
def test_versions_are_those_of_the_modules(module: str, pinned: str) -> None:
    text = (Path(__file__).parent / module / "go.mod").read_text()
    assert pinned in [line.strip().removeprefix("require ") for line in text.splitlines()]
