"""`# METADATA` comments."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.cli.titles import title_at
from dnspolicy.engines.rego.metadata import Annotation, Scope, annotations_of, broken

WHOLE = """\
# Before it.
# METADATA
# title: Games
# description: |
#   One line.
#   Another.
# custom:
#   owner: us
#   level: 3
package site

# METADATA
# scope: document
# title: "Blocked: yes"

x := 1

# METADATA
# description: only that
y := 2
"""


def test_what_is_read() -> None:
    assert annotations_of(WHOLE) == (
        Annotation(Scope.PACKAGE, "Games", "One line.\nAnother.", {"owner": "us", "level": 3}, 2, 10),
        Annotation(Scope.DOCUMENT, "Blocked: yes", "", {}, 12, 16),
        Annotation(Scope.RULE, "", "only that", {}, 18, 20),
    )
    assert broken(WHOLE) == ()


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# METADATA\n# title: 5\npackage a", "5"),
        ("# METADATA\n# title: one\n\n\npackage a", "one"),
        ("# METADATA\n# title:\npackage a", ""),
        ("# METADATA\n# scope: nonsense\n# title: one\npackage a", "one"),
        ("  #METADATA  \n#title: one\npackage a", "one"),
        ("# METADATA\n# title: one\n# METADATA\n# title: two\npackage a", "one"),
        ("# METADATA\n# custom: [1]\n# title: one\npackage a", "one"),
    ],
)
def test_titles(text: str, title: str) -> None:
    assert annotations_of(text)[0].title == title


@pytest.mark.parametrize(
    "text",
    [
        "# METADATA\npackage a",
        "# METADATA\n# - a\npackage a",
        "# METADATA\n# title: a: b\npackage a",
        "# METADATA\n# title: [a\npackage a",
        "# METADATA\n# a: &x [1, 1]\n# b: [*x, *x]\npackage a",
        "# METADATA\n# a: " + "[" * 3000 + "\npackage a",
        "# METADATA\n# a: !!python/object:os.system x\npackage a",
    ],
    ids=["nothing", "a list", "two colons", "no end", "aliases", "deep", "a tag"],
)
def test_what_cannot_be_read_is_left_out(text: str) -> None:
    assert annotations_of(text) == ()
    assert broken(text) == (1,)


def test_no_metadata() -> None:
    assert annotations_of("# metadata\npackage a\nx := `\n# no METADATA\n`\n") == ()


def test_the_title_of_a_place(tmp_path: Path) -> None:
    (tmp_path / "p.rego").write_text('# METADATA\n# title: "a\\x1b[31m"\npackage a\n')
    assert title_at(f"{tmp_path}/p.rego:3") == "a\\x1b[31m"
    assert title_at(f"{tmp_path}/none.rego:3") == ""
    (tmp_path / "q.rego").write_bytes(b"\xff")
    assert title_at(f"{tmp_path}/q.rego:1") == ""
