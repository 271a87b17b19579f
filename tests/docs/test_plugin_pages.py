"""Every room has a page of the same shape, and the page tells the truth."""

from __future__ import annotations

import enum
import importlib
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import dnspolicy
from dnspolicy.app.reading import read_plan
from dnspolicy.chain.order import ORDER
from dnspolicy.corefile.schema import Positional, Rest

PLUGINS = Path(dnspolicy.__file__).parent / "plugins"
ROOMS = sorted(path.parent.name for path in PLUGINS.glob("*/__init__.py"))
SECTIONS = ["Syntax", "Options", "Metrics", "Examples", "Differences from CoreDNS"]
EXAMPLE = re.compile(r"^```corefile\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(room: str) -> str:
    path = PLUGINS / room / "README.md"
    return path.read_text() if path.exists() else "# (no page)\n"


def section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def examples() -> Iterator[tuple[str, str]]:
    for room in ROOMS:
        for number, match in enumerate(EXAMPLE.finditer(section(page(room), "Examples"))):
            yield f"{room}-{number}", match[1]


def fields(config: type[msgspec.Struct]) -> Iterator[tuple[str, object, bool]]:
    """Name, type and whether it is an option line, of every field, also of the structs inside."""
    hints = typing.get_type_hints(config, include_extras=True)
    for field in msgspec.structs.fields(config):
        marks = typing.get_args(hints[field.name])[1:]
        yield field.name.rstrip("_"), hints[field.name], not {Positional, Rest} & set(marks)
        for inner in parts(hints[field.name]):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                yield from fields(inner)


def parts(hint: object) -> Iterator[object]:
    yield hint
    if not isinstance(hint, types.GenericAlias) or typing.get_origin(hint) is tuple:
        for inner in typing.get_args(hint):
            yield from parts(inner)


def words(config: type[msgspec.Struct]) -> Iterator[str]:
    """The words of every enumeration that an option takes."""
    for _, hint, _ in fields(config):
        for inner in parts(hint):
            if isinstance(inner, type) and issubclass(inner, enum.StrEnum):
                yield from inner


@pytest.mark.parametrize("room", ROOMS)
def test_a_page_has_the_fixed_sections(room: str) -> None:
    lines = page(room).splitlines()
    assert lines[0] == f"# {room}"
    assert next((line for line in lines[1:] if line), "")[:1].isupper(), "one line that says what it does"
    assert [line[3:] for line in lines if line.startswith("## ")] == SECTIONS


@pytest.mark.parametrize("room", ROOMS)
def test_a_page_names_every_option_and_its_words(room: str) -> None:
    config = importlib.import_module(f"dnspolicy.plugins.{room}").Config
    options = section(page(room), "Options") + section(page(room), "Syntax")
    known = set(re.findall(r"[\w.-]+", options))
    asked = {name for name, _, is_line in fields(config) if is_line} | set(words(config))
    assert sorted(asked - known) == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_page_has_an_example(room: str) -> None:
    assert EXAMPLE.search(section(page(room), "Examples"))


@pytest.mark.parametrize("corefile", [pytest.param(text, id=name) for name, text in examples()])
def test_an_example_is_a_corefile(corefile: str, tmp_path: Path) -> None:
    path = tmp_path / "Corefile"
    path.write_text(corefile)
    assert read_plan(path, {}).blocks


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_a_place_in_the_chain(room: str) -> None:
    assert room in ORDER
