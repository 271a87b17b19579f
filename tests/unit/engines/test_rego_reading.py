"""Files with much data, which are read in a process of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dnspolicy.engines.rego.reading import SMALL, read_apart
from dnspolicy.engines.rego.sources import Limits, SourceFile, read

LARGE = json.dumps({f"name-{number}.example": True for number in range(SMALL // 20)})
POLICY = 'package dnspolicy\ndecision := {"action": "allow", "rule": "r", "reason": "x"}\n'


def folder(path: Path, data: str) -> Path:
    (path / "list").mkdir()
    (path / "p.rego").write_text(POLICY)
    (path / "list" / "data.json").write_text(data)
    return path


def test_the_same_comes_of_it(tmp_path: Path) -> None:
    made = folder(tmp_path, LARGE)
    more = (SourceFile("bundle/data.json", "other/data.json", b'{"x": 1}'),)
    assert len(LARGE) > SMALL
    assert read_apart([made], Limits(), more) == read([made], Limits(), more=more)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(LARGE[:-1], "truncated", id="half"),
        pytest.param(f"[{LARGE}]", "data must be an object", id="array"),
        pytest.param("[" * SMALL * 2, "", id="deep"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(tmp_path: Path, data: str, what: str) -> None:
    _, complaints = read_apart([folder(tmp_path, data)], Limits())
    assert [(Path(found.file).name, what in found.what) for found in complaints] == [("data.json", True)]


def test_memory_is_bounded(tmp_path: Path) -> None:
    _, complaints = read_apart([folder(tmp_path, LARGE)], Limits(check_bytes=40 << 20))
    assert "memory" in complaints[0].what


def test_time_is_bounded(tmp_path: Path) -> None:
    _, complaints = read_apart([folder(tmp_path, LARGE)], Limits(check_seconds=0.001))
    assert "longer than" in complaints[0].what
