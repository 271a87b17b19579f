from __future__ import annotations

import tempfile
from pathlib import Path

from corefile_help import load_text
from hypothesis import given, settings
from hypothesis import strategies as st

from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.lexer import tokens
from dnspolicy.corefile.parser import statements
from dnspolicy.corefile.tree import Corefile, Directive
from dnspolicy.model.errors import ConfigError

Tree = tuple[list[str], list["Tree"] | None]

_pieces = st.one_of(
    st.sampled_from(
        [
            ".:53 {\n",
            "}",
            "{",
            "\n",
            " ",
            '"',
            "\\",
            "#",
            ",",
            "import ",
            "import a\n",
            "import Corefile\n",
            "(a) {\n",
            "{$HOME}",
            "{%X%}",
            "{args[0]}",
            "{args.1}",
            "a.test",
            "10.0.0.0/17",
            "errors\n",
            "\r\n",
            "\t",
            "\ufeff",
            "\0",
            "dns://",
            "::1/64",
            ":99999999999",
            "view x\n",
            "bind 127.0.0.1\n",
            "*",
            "/",
            "..",
            "import */*\n",
        ]
    ),
    st.text(max_size=8),
)


def loaded(raw: bytes) -> Corefile | str:
    """The Corefile, or the text of the error."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return load_text(Path(folder), raw, {"HOME": "/root"})
        except ConfigError as problem:
            return str(problem)


def is_corefile_or_printable(found: Corefile | str) -> bool:
    if isinstance(found, Corefile):
        return bool(found.blocks)
    return bool(found) and all(line.isprintable() for line in found.split("\n"))


@given(st.lists(_pieces, max_size=40).map("".join))
@settings(deadline=None)
def test_any_text_is_a_corefile_or_a_config_error(text: str) -> None:
    assert is_corefile_or_printable(loaded(text.encode("utf-8", "surrogatepass")))


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_a_corefile_or_a_config_error(raw: bytes) -> None:
    assert is_corefile_or_printable(loaded(raw))


_words = st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from("\n\t"), max_size=12).filter(
    lambda word: not word.endswith("\\") and '\\"' not in word
)
_lines = st.lists(_words, min_size=1, max_size=4)
_trees: st.SearchStrategy[list[Tree]] = st.recursive(
    st.lists(st.tuples(_lines, st.none()), max_size=3),
    lambda inner: st.lists(st.tuples(_lines, st.none() | inner), max_size=3),
    max_leaves=12,
)


def written(trees: list[Tree], depth: int = 0) -> str:
    lines = []
    for words, inside in trees:
        head = " ".join('"' + word.replace('"', '\\"') + '"' for word in words)
        lines.append(head if inside is None else f"{head} {{\n{written(inside, depth + 1)}}}")
    return "".join(f"{'  ' * depth}{line}\n" for line in lines)


def read(found: tuple[Directive, ...]) -> list[Tree]:
    return [([d.name, *(w.text for w in d.words)], read(d.options) if d.braces else None) for d in found]


@given(_trees)
def test_what_is_written_is_read_back(trees: list[Tree]) -> None:
    wrapped: list[Tree] = [([".:53"], trees)]
    complaints = Complaints()
    found = statements(tokens(written(wrapped), "f", complaints), complaints)
    assert not complaints
    assert read(found) == wrapped
