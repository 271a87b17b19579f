from __future__ import annotations

import pytest

from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.lexer import Kind, tokens


def lexed(text: str) -> list[tuple[str, int, int]]:
    complaints = Complaints()
    found = [(t.word.text, t.word.at.line, t.word.at.column) for t in tokens(text, "f", complaints)]
    assert not complaints
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("a b\n  c", [("a", 1, 1), ("b", 1, 3), ("c", 2, 3)], id="lines and columns"),
        pytest.param("a\tb", [("a", 1, 1), ("b", 1, 3)], id="tab"),
        pytest.param("a\r\nb\r\n", [("a", 1, 1), ("b", 2, 1)], id="CRLF"),
        pytest.param("\ufeffa b", [("a", 1, 1), ("b", 1, 3)], id="BOM"),
        pytest.param("a # b\nc", [("a", 1, 1), ("c", 2, 1)], id="comment"),
        pytest.param("a#b\nc", [("a", 1, 1), ("c", 2, 1)], id="comment ends a word"),
        pytest.param('"a # b" c', [("a # b", 1, 1), ("c", 1, 9)], id="no comment in quotes"),
        pytest.param('""', [("", 1, 1)], id="empty quotes"),
        pytest.param(r'"say \"hi\""', [('say "hi"', 1, 1)], id="escaped quote"),
        pytest.param(r'"a\.b\\"', [(r"a\.b\\", 1, 1)], id="other backslashes stay"),
        pytest.param('"a\nb" c\nd', [("a\nb", 1, 1), ("c", 2, 4), ("d", 3, 1)], id="newline in quotes"),
        pytest.param('a"b c"d', [('a"b', 1, 1), ('c"d', 1, 5)], id="quote inside a word is a letter"),
        pytest.param("a \\\n  b\nc", [("a", 1, 1), ("b", 2, 3), ("c", 3, 1)], id="line continued"),
        pytest.param("a\\\r\nb", [("a", 1, 1), ("b", 2, 1)], id="line continued with CRLF"),
        pytest.param(r"(.*)\.re\.test", [(r"(.*)\.re\.test", 1, 1)], id="regular expression"),
        pytest.param("é x", [("é", 1, 1), ("x", 1, 3)], id="columns count characters"),
        pytest.param(".:53{", [(".:53{", 1, 1)], id="brace without a blank is part of the word"),
    ],
)
def test_words_know_their_place(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert lexed(text) == expected


def test_quoted_braces_are_words() -> None:
    kinds = [token.kind for token in tokens('{ "{" }', "f", Complaints())]
    assert kinds == [Kind.OPEN, Kind.WORD, Kind.CLOSE]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\n  b\0", "f:2:4: control character U+0000; expected plain text", id="NUL"),
        pytest.param("\x1b[31m", "f:1:1: control character U+001B; expected plain text", id="escape"),
        pytest.param('a "b\nc', 'f:1:3: a quote is never closed; expected "', id="open quote"),
        pytest.param('a "b\\"', 'f:1:3: a quote is never closed; expected "', id="only quote escaped"),
        pytest.param("a " + "b" * 5000, "f:1:3: a word is too long; expected at most 4096 characters", id="long word"),
    ],
)
def test_what_is_no_text_is_named(text: str, expected: str) -> None:
    complaints = Complaints()
    tokens(text, "f", complaints)
    assert str(complaints) == expected
