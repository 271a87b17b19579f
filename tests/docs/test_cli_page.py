"""The page of the command line knows every option, and every command line in the papers can be typed."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import dnspolicy
from dnspolicy.cli import coredns
from dnspolicy.cli.commands import parser

ROOT = Path(dnspolicy.__file__).parent.parent
PAGE = (ROOT / "docs" / "cli.md").read_text()
FOLDERS = ("docs", "deploy", "dnspolicy", "policies", "examples")
PAPERS = [
    *ROOT.glob("*.md"),
    *(
        path
        for folder in ("docs", "deploy", "dnspolicy", "policies", "examples")
        for path in (ROOT / folder).rglob("*.md")
    ),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^(?:\$ )?|\| )(dnspolicy .*?)(?= \| | > |$)")


def leaves(of: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Every command that can be run."""
    below = [action for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield of
    for action in below:
        for command in action.choices.values():
            yield from leaves(command)


COMMANDS = {command.prog: command for command in leaves(parser())}


def options(command: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    return (action for action in command._actions if action.option_strings and action.dest != "help")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def typed(text: str) -> Iterator[list[str]]:
    """The words of every `dnspolicy` command in the fenced blocks of a page, without what a shell takes off."""
    for language, block in FENCE.findall(text):
        if language in ("", "console", "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                for command in COMMAND.findall(line):
                    yield shlex.split(command, comments=True)[1:]


def test_typed_commands_are_found() -> None:
    text = "```\ndnspolicy a b > c  # d\nx | dnspolicy 'e f'\n```\n```console\n$ dnspolicy g\ndnspolicyx\n```\n"
    assert list(typed(text)) == [["a", "b"], ["e f"], ["g"]]


def test_every_command_has_its_section() -> None:
    assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_names_every_option_and_no_other(name: str) -> None:
    rows = "\n".join(line.split(" | ")[0] for line in section(name).splitlines() if line.startswith("| `-"))
    described = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", rows))
    assert described == {text for action in options(COMMANDS[name]) for text in action.option_strings}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_names_every_choice_and_default(name: str) -> None:
    words = set(re.findall(r"`([^`]+)`", section(name)))
    for action in options(COMMANDS[name]):
        assert set(map(str, action.choices or ())) <= words
        if action.default and isinstance(action.default, str | int | Path) and action.nargs != 0:
            assert str(action.default) in words


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(words, id=f"{path.parent.name}-{path.stem}-{n}")
        for path in PAPERS
        for n, words in enumerate(typed(path.read_text()))
    ],
)
def test_a_command_of_the_papers_can_be_typed(words: list[str]) -> None:
    (coredns.parser() if coredns.is_meant(words) else parser()).parse_args(words)


def test_the_page_names_every_container_argument() -> None:
    described = set(re.findall(r"`(-[a-z][a-z.]*)[` ]", section("dnspolicy serve").partition("container arguments")[2]))
    assert described == {
        text for action in options(coredns.parser()) for text in action.option_strings if text[1] != "-"
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_a_command_does(name: str) -> None:
    command = COMMANDS[name]
    assert (command.description or "").strip().endswith(".")
    assert [action.dest for action in command._actions if not action.help] == []
