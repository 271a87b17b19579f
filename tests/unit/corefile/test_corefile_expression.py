"""Expressions: what they give, what is complained about, and that nothing else ever happens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dnspolicy.corefile.expression import ExpressionError, Function, Kind, compile_expression


def _strict(constants: tuple[Any, ...]) -> Any:
    if constants == ("bad",):
        raise ValueError("that one is bad")
    return lambda subject, text: text + subject["type"]


FUNCTIONS = {
    "type": Function((), Kind.TEXT, lambda _: lambda subject: subject["type"]),
    "size": Function((), Kind.NUMBER, lambda _: lambda subject: subject["size"]),
    "do": Function((), Kind.TRUTH, lambda _: lambda subject: subject["do"]),
    "with": Function((Kind.TEXT,), Kind.TEXT, _strict),
    "same": Function((Kind.TEXT, Kind.TEXT), Kind.TRUTH, lambda _: lambda subject, a, b: a == b),
}
SUBJECT = {"type": "A", "size": 41, "do": False}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("type() == 'A'", True, id="text"),
        pytest.param("type() != 'A'", False, id="unequal"),
        pytest.param('type() == "A" and type() == `A`', True, id="three kinds of quotes"),
        pytest.param("type() in ['A', 'AAAA']", True, id="in a list"),
        pytest.param("type() in []", False, id="in an empty list"),
        pytest.param("type() in ['A',]", True, id="a comma at the end"),
        pytest.param("type() not in ['A']", False, id="not in"),
        pytest.param("type() in [type()]", True, id="a list that is not constant"),
        pytest.param("not (type() == 'A')", False, id="not"),
        pytest.param("not do() == true", True, id="not binds tighter than =="),
        pytest.param("!do() && !do()", True, id="exclamation marks"),
        pytest.param("false || true && false", False, id="and before or"),
        pytest.param("true or false and false", True, id="and before or, as words"),
        pytest.param("1 + 2 * 3 == 7", True, id="product before sum"),
        pytest.param("(1 + 2) * 3 == 9", True, id="parentheses"),
        pytest.param("size() - 1 - 1 == 39", True, id="from the left"),
        pytest.param("-7 % 3 == -1", True, id="a remainder has the sign of the first"),
        pytest.param("size() / 2 == 20.5", True, id="division"),
        pytest.param("1 == 1.0", True, id="whole and other numbers"),
        pytest.param("0x10 == 16 && 1_000 == 1000", True, id="other ways to write numbers"),
        pytest.param("size() in 40..41", True, id="range"),
        pytest.param("size() / 2 in 1..100", False, id="a fraction in a range"),
        pytest.param("size() in 42..1", False, id="empty range"),
        pytest.param("'a' + 'b' == 'ab'", True, id="texts joined"),
        pytest.param("'a' < 'b'", True, id="texts in order"),
        pytest.param("'example' contains 'amp'", True, id="contains"),
        pytest.param("'example' startsWith 'ex' && 'example' endsWith 'le'", True, id="begins and ends"),
        pytest.param("'example' not startsWith 'ex'", False, id="not before another word"),
        pytest.param("'www.example' matches '^www[.]'", True, id="matches"),
        pytest.param("'www.example' matches '^www\\\\.'", True, id="a backslash written twice"),
        pytest.param("'wwwXexample' matches `^www\\.`", False, id="a raw pattern"),
        pytest.param("'www.example' matches 'exa'", True, id="matches anywhere"),
        pytest.param("'\\x41\\u0042' == 'AB'", True, id="escapes"),
        pytest.param("do() ? false : type() == 'A'", True, id="choice"),
        pytest.param("true ? false : true ? true : true", False, id="choice of choices"),
        pytest.param("size() > 1 ? 'x' : 'y'", "x", id="a choice of texts"),
        pytest.param("with('B') == 'BA'", True, id="an argument"),
        pytest.param("same(type(), 'A')", True, id="two arguments"),
        pytest.param("do() || same('x', with('y'))", False, id="calls in calls"),
        pytest.param("[1, 2] == [1, 2]", True, id="lists are equal"),
    ],
)
def test_value(text: str, value: object) -> None:
    assert compile_expression(text, FUNCTIONS).run(SUBJECT) == value


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        pytest.param("", 0, "a value is missing", id="nothing"),
        pytest.param("type() ==", 9, "a value is missing", id="the end too early"),
        pytest.param("type()) == 'A'", 6, "left over", id="too many parentheses"),
        pytest.param("(do()", 5, ") is missing", id="open"),
        pytest.param("do() do()", 5, "left over", id="no operator"),
        pytest.param("type() == 1", 7, "two of a kind", id="text and number"),
        pytest.param("type() in 'A'", 10, "in takes a list", id="in a text"),
        pytest.param("type() in [1]", 7, "holds numbers", id="in a list of others"),
        pytest.param("[1, 'a'] == []", 0, "a list holds", id="mixed list"),
        pytest.param("foo() == 1", 0, "nothing is called foo", id="unknown function"),
        pytest.param("type == 'A'", 0, "write type()", id="function not called"),
        pytest.param("same('a')", 0, "takes 2 values, not 1", id="too few values"),
        pytest.param("type(1)", 0, "takes 0 values, not 1", id="too many values"),
        pytest.param("with(1) == ''", 5, "with takes a text", id="wrong value"),
        pytest.param("true && with('bad') == ''", 8, "that one is bad", id="a constant the function refuses"),
        pytest.param("true && 1", 8, "&& takes true or false", id="number for truth"),
        pytest.param("!1", 1, "! takes true or false", id="not of a number"),
        pytest.param("-'a'", 1, "- takes a number", id="minus of a text"),
        pytest.param("size() < 1 < 2", 7, "< takes a number", id="a chain of comparisons"),
        pytest.param("size() ? true : false", 0, "? takes true or false", id="number as a condition"),
        pytest.param("do() ? 1 : 'a'", 5, "two of a kind", id="choice of two kinds"),
        pytest.param("do() ? true", 11, ": is missing", id="half a choice"),
        pytest.param("type() matches '('", 15, "not a regular expression", id="bad pattern"),
        pytest.param("type() matches type()", 15, "not known before", id="pattern that is not constant"),
        pytest.param("size() in 1..size()", 11, "two whole numbers", id="range that is not constant"),
        pytest.param("size() in 1..9999999", 11, "more than", id="range too large"),
        pytest.param("'a", 0, "never closed", id="open quote"),
        pytest.param("'a\\.' == 'a'", 0, "no escape", id="unknown escape"),
        pytest.param("1 / 0 == 1", 2, "division by zero", id="division by nothing"),
        pytest.param("type() == 'A' @ b", 14, "a character", id="odd character"),
        pytest.param("(" * 60 + "do()" + ")" * 60, 50, "within each other", id="too deep"),
        pytest.param("do()" + " || do()" * 300, 1605, "more than 200 operators", id="too long"),
        pytest.param("1" * 30 + " == 1", 0, "too long", id="number too long"),
    ],
)
def test_complaint(text: str, at: int, why: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, FUNCTIONS)
    assert why in str(caught.value)
    assert caught.value.at == at


def test_no_value_for_a_subject() -> None:
    run = compile_expression("1 / (size() - 41) == 1", FUNCTIONS).run
    with pytest.raises(ArithmeticError):
        run(SUBJECT)


def test_what_is_called_is_known() -> None:
    found = compile_expression("do() || with('x') == with(type())", FUNCTIONS)
    assert [(call.name, call.arguments) for call in found.calls] == [
        ("do", ()),
        ("with", ("x",)),
        ("type", ()),
        ("with", (None,)),
    ]


WORDS = """type() size() do() with( same( 'a' '(' "b" `c` 1 2.5 0x1f true not ! - + * / % .. in matches contains
    startsWith endsWith and || == != < >= ? : ( ) [ ] , '\\ '' size foo()"""
words = st.sampled_from(WORDS.split())


@given(st.one_of(st.text(max_size=60), st.lists(words, max_size=25).map(" ".join)))
@example("'\\U0011FFFF'")
@example("'" + "\\377" + "' < type()")
@example("1 % 0 == 1")
def test_any_text_is_an_expression_or_a_complaint(text: str) -> None:
    try:
        found = compile_expression(text, FUNCTIONS)
    except ExpressionError as problem:
        assert 0 <= problem.at <= len(text)  # noqa: PT017 most texts raise, but not all
        return
    try:
        value = found.run(SUBJECT)
    except (ArithmeticError, ValueError):
        return
    kinds = {Kind.TRUTH: bool, Kind.NUMBER: (int, float), Kind.TEXT: str, Kind.LIST: (tuple, range)}
    assert isinstance(value, kinds[found.kind])


def test_the_longest_expression_runs() -> None:
    text = "do()" + " || do()" * 199
    assert compile_expression(text, FUNCTIONS).run(SUBJECT) is False
