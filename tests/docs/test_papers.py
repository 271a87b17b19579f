"""What the papers of the project refer to exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dnspolicy
from dnspolicy.chain.order import ORDER

ROOT = Path(dnspolicy.__file__).parent.parent
PACKAGE = ROOT / "dnspolicy"
TESTS = [path for path in (ROOT / "tests").rglob("*.py") if path.parent != ROOT / "tests"]
TOP = ("README.md", "CONTRIBUTING.md", "DESIGN.md", "CHANGELOG.md")
FOLDERS = ("docs", "deploy", "dnspolicy", "policies", "examples")
PAPERS = [
    *(ROOT / name for name in TOP),
    *(
        path
        for folder in ("docs", "deploy", "dnspolicy", "policies", "examples")
        for path in (ROOT / folder).rglob("*.md")
    ),
]
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"^(?:`|\$ |\s*)make(?: -\w+)*((?: [a-z]+(?:-[a-z]+)*)+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


def paper_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def make_words(text: str) -> Iterator[str]:
    for code in CODE.findall(text):
        for match in MAKE.finditer(code):
            yield from match[1].split()


def test_make_words_are_found_in_code_only() -> None:
    text = "make sure\n```\nmake test test-real ARGS=x\n$ make demo\n```\nand `make bench`, `we make no word`"
    assert list(make_words(text)) == ["test", "test-real", "demo", "bench"]


@pytest.mark.parametrize("name", TOP)
def test_a_paper_is_there(name: str) -> None:
    assert (ROOT / name).read_text().startswith("# ")


@pytest.mark.parametrize("path", PAPERS, ids=paper_id)
def test_words_of_make_that_a_paper_names_exist(path: Path) -> None:
    known = set(TARGET.findall((ROOT / "Makefile").read_text()))
    assert sorted(set(make_words(path.read_text())) - known) == []


@pytest.mark.parametrize("path", PAPERS, ids=paper_id)
def test_links_within_the_project_lead_somewhere(path: Path) -> None:
    links = [link for link in LINK.findall(path.read_text()) if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_word_of_make_is_explained_by_help() -> None:
    text = (ROOT / "Makefile").read_text()
    explained = re.findall(r"^([a-z-]+):.*?## \S", text, re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert phony is not None
    assert sorted(explained) == sorted(phony[1].split())


def test_the_design_names_files_that_exist() -> None:
    named = re.findall(r"`((?:\w+/)+\w*(?:\.py)?)`", (ROOT / "DESIGN.md").read_text())
    assert len(named) > 20
    assert [name for name in named if not any((place / name).exists() for place in (ROOT, PACKAGE))] == []


def test_the_design_lists_every_folder_of_the_package() -> None:
    listed = re.findall(r"^\| `(\w+)/` \|", (ROOT / "DESIGN.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def test_the_design_shows_the_whole_chain_in_order() -> None:
    text = (ROOT / "DESIGN.md").read_text()
    picture = text.partition("chain:")[2].partition("policy + engines")[0]
    shown = [word for word in re.findall(r"(?:^|─) +(\w+)", picture) if word in ORDER]
    assert shown == [name for name in ORDER if name in shown]
    assert [name for name in ORDER if name not in {*shown, "identity"} and f"`{name}`" not in text] == []


def test_the_contributors_page_lists_every_folder_of_tests() -> None:
    listed = re.findall(r"^\| `tests/(\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted({path.relative_to(ROOT / "tests").parts[0] for path in TESTS})
