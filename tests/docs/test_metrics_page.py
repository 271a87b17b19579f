"""Every metric is described, and nothing is described that is not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dnspolicy

PACKAGE = Path(dnspolicy.__file__).parent
PAGE = PACKAGE.parent / "docs" / "metrics.md"
KINDS = {"counter": "counter", "gauge": "gauge", "joint_gauge": "gauge", "histogram": "histogram"}
"""What the code calls to make one, and what it is."""
ROW = re.compile(r"^\| `((?:coredns|dnspolicy)_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)


def made() -> Iterator[tuple[str, str]]:
    """Name and kind of every metric that the code makes with a literal name."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            name = node.args[0]
            if node.func.attr in KINDS and isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value, KINDS[node.func.attr]


MADE = dict(made())
PAGES = [PAGE, *sorted((PACKAGE / "plugins").glob("*/README.md"))]


def test_the_page_lists_every_metric() -> None:
    assert sorted(set(MADE) - {row[1] for row in ROW.finditer(PAGE.read_text())}) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.parent.name)
def test_a_page_describes_only_metrics_that_exist_as_what_they_are(page: Path) -> None:
    wrong = [(row[1], row[2]) for row in ROW.finditer(page.read_text()) if MADE.get(row[1]) != row[2]]
    assert wrong == []


@pytest.mark.parametrize(("name", "kind"), sorted(MADE.items()))
def test_names_follow_the_rules_of_prometheus(name: str, kind: str) -> None:
    assert re.fullmatch(r"(coredns|dnspolicy)_[a-z0-9]+(_[a-z0-9]+)*", name)
    assert name.endswith("_total") == (kind == "counter")
    if kind == "histogram":
        assert name.endswith(("_seconds", "_bytes"))
