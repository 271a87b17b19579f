"""The keys in docs/audit.md are those of the records."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dnspolicy.audit import record as rec

PAGE = Path(__file__).parents[3] / "docs" / "audit.md"
SECTIONS = {
    "Keys of every record": (rec.Entry, None),
    "Keys of `query` and `repeat`": (rec.QueryRecord, rec.Entry),
    "Keys of `repeat` only": (rec.RepeatRecord, rec.QueryRecord),
    "Keys of `lost`": (rec.LostRecord, rec.Entry),
    "Keys of `start`": (rec.StartRecord, rec.Entry),
}


def documented(title: str) -> list[tuple[str, str, str]]:
    section = PAGE.read_text().split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return [(row[0].strip(" `"), row[1].strip(), row[2].strip()) for row in rows]


def declared(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    hints = typing.get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        marked = typing.get_origin(hints[field.name]) is typing.Annotated and rec.FULL in hints[field.name].__metadata__
        kind, inner = shape(hints[field.name])
        level = "always" if field.required else "full" if marked else "metadata"
        yield f"{prefix}{field.encode_name}", kind, level
        if inner is not None:
            yield from declared(inner, f"{prefix}{field.encode_name}.")


def shape(hint: Any) -> tuple[str, type[msgspec.Struct] | None]:
    if typing.get_origin(hint) is typing.Annotated:
        return shape(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return shape(next(a for a in typing.get_args(hint) if a not in (types.NoneType, msgspec.UnsetType)))
    if typing.get_origin(hint) is tuple:
        kind, inner = shape(typing.get_args(hint)[0])
        return ("list of objects" if inner else f"list of {kind}"), inner
    if typing.get_origin(hint) is Mapping:
        return f"map of {shape(typing.get_args(hint)[1])[0]}", None
    if issubclass(hint, msgspec.Struct):
        return "object", hint
    return {bool: "boolean", int: "integer", float: "number"}.get(
        hint, "text" if issubclass(hint, str | StrEnum) else "?"
    ), None


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_is_documented_with_its_type_and_level(title: str) -> None:
    struct, base = SECTIONS[title]
    known = {"type"} if base is None else {f.encode_name for f in msgspec.structs.fields(base)}
    found = [row for row in declared(struct) if row[0].split(".")[0] not in known]
    wanted = [row for row in documented(title) if row[0] != "type" or base is not None]
    assert sorted(wanted) == sorted(found)


def test_every_kind_of_record_is_documented() -> None:
    assert {kind for kind in rec.KINDS if f"| `{kind}` |" in PAGE.read_text()} == set(rec.KINDS)


def test_the_page_s_sample_is_a_record() -> None:
    sample = PAGE.read_text().split("```json\n", 1)[1].split("\n```", 1)[0]
    assert rec.encode(rec.decode(sample.encode())) == sample.encode() + b"\n"
