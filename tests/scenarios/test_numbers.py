"""Each of the twenty scenarios that the policy library is made for has a story, and the page names it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.scenarios.story import STORIES

PAGE = Path(__file__).parent / "README.md"
NUMBERS = range(1, 21)


def test_every_scenario_has_a_story_and_is_on_the_page() -> None:
    told = {int(path.name[:2]): path.name for path in sorted(STORIES.glob("[0-9][0-9]-*.yaml"), reverse=True)}
    rows = dict(re.findall(r"^\| (\d+) \| .*? \| (.*?) \|$", PAGE.read_text(), re.MULTILINE))
    assert sorted(map(int, rows)) == list(NUMBERS)
    elsewhere = {int(number) for number, stories in rows.items() if "stories/" not in stories}
    assert sorted(told.keys() | elsewhere) == list(NUMBERS)


def test_every_story_with_a_number_is_in_its_row() -> None:
    page = PAGE.read_text()
    missing = [path.name for path in STORIES.glob("[0-9][0-9]-*.yaml") if f"(stories/{path.name})" not in page]
    assert missing == []


def test_every_story_of_the_page_is_there() -> None:
    named = re.findall(r"\((stories/[^)]+\.yaml)\)", PAGE.read_text())
    assert named
    assert [name for name in named if not (PAGE.parent / name).is_file()] == []
