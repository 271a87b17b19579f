"""The five minutes of the README are true: its files are written, its commands run, and what it shows comes out.

`…` on the page stands for any text within a line.
"""

from __future__ import annotations

import re
import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import dnspolicy
from dnspolicy.app.directives import DIRECTIVES, NOT_YET
from dnspolicy.app.reading import read_plan
from dnspolicy.cli.main import main
from dnspolicy.wire import rdata
from examples.quickstart.client import ask
from examples.quickstart.questions import Question
from examples.quickstart.server import free_port, running

ROOT = Path(dnspolicy.__file__).parent.parent
README = (ROOT / "README.md").read_text()
PORT = "5353"
PATIENCE = 10.0
"""Seconds until a record must have been written."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def steps() -> Iterator[tuple[list[str], str]]:
    """Every command of the page with what it shows."""
    for block in blocks("console"):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = step.partition("\n")
            yield shlex.split(command), shown


def rules() -> dict[str, str]:
    """The rules of the page by the names they are to be saved as."""
    names = re.findall(r"`(examples/quickstart/policies/\w+\.rego)`", README)
    return dict(zip(names, blocks("rego"), strict=True))


def looks_like(out: str, shown: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), out) is not None


class Tour:
    """A copy of what the page works on, with a server that is running."""

    def __init__(self, port: int, capsys: pytest.CaptureFixture[str]) -> None:
        self._port = port
        self._capsys = capsys

    def run(self, words: list[str]) -> str:
        return self._dig(words) if words[0] == "dig" else self._dnspolicy(words)

    def _dig(self, words: list[str]) -> str:
        match words:
            case ["dig", "+short", "-b", source, server, "-p", port, name]:
                assert port == PORT
                response = ask(Question(source, name), (server.removeprefix("@"), self._port)).response
                assert response is not None
                return "".join(f"{rdata.text(record)}\n" for record in response.answer)
        raise AssertionError(words)

    def _dnspolicy(self, words: list[str]) -> str:
        assert words[0] == "dnspolicy"
        self._capsys.readouterr()
        assert main(words[1:]) == 0
        found = self._capsys.readouterr()
        assert found.err == ""
        return found.out


def await_shown(tour: Tour, words: list[str], shown: str) -> str:
    """What comes out in the end: records are written a moment after the answer."""
    deadline = time.monotonic() + PATIENCE
    while not looks_like(out := tour.run(words), shown) and words[1] == "observe" and time.monotonic() < deadline:
        time.sleep(0.05)
    return out


def test_the_tour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("examples", "policies"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    for name, text in rules().items():
        Path(name).write_text(text)
    port = free_port("127.0.0.1")
    with running(Path("examples/quickstart/Corefile"), port, Path("audit.jsonl")):
        tour = Tour(port, capsys)
        for words, shown in steps():
            out = await_shown(tour, words, shown)
            assert looks_like(out, shown), f"$ {shlex.join(words)}\n{out}instead of\n{shown}"


def test_the_tour_shows_every_tool() -> None:
    kinds = {words[1] if words[0] == "dnspolicy" else words[0] for words, _ in steps()}
    assert kinds == {"dig", "check", "policy", "explain", "observe"}
    assert [name.rpartition("/")[2] for name in rules()] == ["shopping.rego", "shopping_test.rego"]


@pytest.mark.parametrize("corefile", blocks("corefile"))
def test_a_corefile_of_the_page_is_one(corefile: str, tmp_path: Path) -> None:
    path = tmp_path / "Corefile"
    path.write_text(corefile)
    assert read_plan(path, {}).blocks


def test_the_page_names_every_plugin_and_links_it() -> None:
    table = README.partition("| plugin | what it does |\n")[2].partition("\n\n")[0]
    listed = dict(re.findall(r"^\| \[(\w+)\]\(([^)]+)\) \| \S", table, re.MULTILINE))
    rooms = {path.parent.name for path in (ROOT / "dnspolicy" / "plugins").glob("*/__init__.py")}
    assert list(listed) == sorted(DIRECTIVES)
    assert {name for name, link in listed.items() if link == f"dnspolicy/plugins/{name}/README.md"} == rooms


def test_the_page_names_only_what_is_really_missing() -> None:
    missing = re.search(r"\* \*\*Of CoreDNS's plugins\*\*: (.+?)\[the rest\]", README, re.DOTALL)
    assert missing is not None
    assert set(re.findall(r"`(\w+)`", missing[1])) - NOT_YET == set()
