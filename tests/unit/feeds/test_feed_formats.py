"""From texts to documents."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.feeds.apart import SMALL, parse_apart
from dnspolicy.feeds.failures import FeedFailure
from dnspolicy.feeds.formats import parse
from dnspolicy.model.name import from_labels
from dnspolicy.policy.settings.feeds import DataFormat


def document(form: DataFormat, text: str | bytes) -> Any:
    return json.loads(parse(form, text if isinstance(text, bytes) else text.encode(), "list")[0])


GOOD: dict[str, tuple[DataFormat, str | bytes, Any]] = {
    "json": (DataFormat.JSON, '{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
    "json with a byte order mark": (DataFormat.JSON, b"\xef\xbb\xbf{}", {}),
    "yaml": (DataFormat.YAML, "a: [1, x]\nb: 2026-01-01\n1: c\n", {"a": [1, "x"], "b": "2026-01-01", "1": "c"}),
    "yaml that says nothing": (DataFormat.YAML, "# nothing\n", None),
    "names": (DataFormat.NAMES, "Bad.Example.\n\n# no\n  b.example # yes\n", {"bad.example": True, "b.example": True}),
    "an odd name": (DataFormat.NAMES, "a\\032b.example\n", {"a\\032b.example": True}),
    "no names": (DataFormat.NAMES, "# none\n", {}),
    "lines of another system": (DataFormat.NAMES, "a\r\nb\r\n", {"a": True, "b": True}),
    "hosts": (
        DataFormat.HOSTS,
        "0.0.0.0 a.example B.example # no\n::1\ta.example\n0.0.0.0 a.example\nfe80::1%lo0 c\n",
        {"a.example": ["0.0.0.0", "::1"], "b.example": ["0.0.0.0"], "c": ["fe80::1"]},
    ),
}


@pytest.mark.parametrize(("form", "text", "found"), GOOD.values(), ids=GOOD)
def test_documents(form: DataFormat, text: str | bytes, found: Any) -> None:
    assert document(form, text) == found


BAD: dict[str, tuple[DataFormat, str | bytes, str]] = {
    "half a json": (DataFormat.JSON, '{\n"a": [1,', "list:2: not JSON"),
    "two jsons": (DataFormat.JSON, "{} {}", "list:1: not JSON"),
    "deep json": (DataFormat.JSON, "[" * 200 + "]" * 200, "nested deeper than 100"),
    "endless json": (DataFormat.JSON, "[" * 100_000, "not JSON"),
    "half a yaml": (DataFormat.YAML, "a:\n  b: [1,\n", "list:3: not YAML"),
    "yaml with a tag": (DataFormat.YAML, "!!python/object:os.system x", "not YAML"),
    "yaml with a wrong value": (DataFormat.YAML, "!!int x", "not YAML"),
    "deep yaml": (DataFormat.YAML, "[" * 2_000 + "]" * 2_000, "nested too deeply"),
    "yaml whose texts grow": (
        DataFormat.YAML,
        f"a: &a {'x' * 9_000}\nb: &b [{', '.join(['*a'] * 99)}]\nc: [{', '.join(['*b'] * 99)}]\n",
        "characters, aliases written out",
    ),
    "yaml whose keys grow": (
        DataFormat.YAML,
        f"a: &a {{{'x' * 900}: 1}}\nb: &b [{', '.join(['*a'] * 99)}]\nc: [{', '.join(['*b'] * 99)}]\n",
        "characters, aliases written out",
    ),
    "yaml that grows": (
        DataFormat.YAML,
        "\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20))]),
        "more than 5000000 values",
    ),
    "a key that is a list": (DataFormat.YAML, "{[1]: 2}", "not YAML"),
    "a yaml that was cut off at once": (DataFormat.YAML, "", "list: empty"),
    "names that were cut off at once": (DataFormat.NAMES, "", "list: empty"),
    "hosts that were cut off at once": (DataFormat.HOSTS, "", "list: empty"),
    "two words": (DataFormat.NAMES, "a\nb c\n", "list:2: more than one word"),
    "a label that is too long": (DataFormat.NAMES, "a\n" + "x" * 64, "list:2: .* 63 bytes"),
    "an empty label": (DataFormat.NAMES, "a..b", "list:1"),
    "other letters": (DataFormat.NAMES, "ä.example", "list:1: .* only ASCII"),
    "no text": (DataFormat.NAMES, b"a\n\xff\xfe\n", "list:2: not UTF-8"),
    "a long line": (DataFormat.NAMES, "a" * 10_000, "list:1: a line of more than"),
    "no address": (DataFormat.HOSTS, "0.0.0.0 a\nlocalhost b\n", "list:2: 'localhost' is no address"),
}


@pytest.mark.parametrize(("form", "text", "problem"), BAD.values(), ids=BAD)
def test_what_is_refused_is_named_with_its_line(form: DataFormat, text: str | bytes, problem: str) -> None:
    with pytest.raises(FeedFailure, match=problem):
        document(form, text)


@pytest.mark.parametrize("form", DataFormat)
@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_no_bytes_break_a_reader(form: DataFormat, raw: bytes) -> None:
    with contextlib.suppress(FeedFailure):
        found, revision = parse(form, raw, "list")
        json.loads(found)
        assert revision


labels = st.lists(st.binary(min_size=1, max_size=12), min_size=1, max_size=5).map(from_labels)


@given(st.lists(labels, max_size=10))
def test_names_are_those_of_the_input(names: list[Any]) -> None:
    """Whatever the letters: a line with the name as the input shows it finds it again."""
    written = "# names\n" + "".join(f"{name}\n" for name in names)
    assert document(DataFormat.NAMES, written) == {str(name): True for name in names}


@pytest.mark.parametrize("form", [DataFormat.NAMES, DataFormat.RPZ])
def test_large_documents_are_read_apart_and_the_same(form: DataFormat) -> None:
    head = "@ SOA a. b. 7 1 1 1 1\n" if form is DataFormat.RPZ else ""
    end = " CNAME ." if form is DataFormat.RPZ else ""
    raw = (head + "".join(f"n{number}.example{end}\n" for number in range(10_000))).encode()
    assert len(raw) > SMALL
    assert parse_apart(form, raw, "list") == parse(form, raw, "list")


def test_what_is_wrong_with_a_large_document_is_said_all_the_same() -> None:
    raw = b"a.example\n" * 10_000 + b"two words\n"
    with pytest.raises(FeedFailure, match="list:10001: more than one word"):
        parse_apart(DataFormat.NAMES, raw, "list")


def test_a_small_document_is_read_here() -> None:
    assert parse_apart(DataFormat.NAMES, b"a.example", "list") == parse(DataFormat.NAMES, b"a.example", "list")
