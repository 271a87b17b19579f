"""Conditions on the items of a list, and variables."""

from __future__ import annotations

import pytest

from dnspolicy.corefile.expression import ExpressionError, Function, Kind, compile_expression

FUNCTIONS = {
    "ip": Function((), Kind.TEXT, lambda _: lambda subject: subject["ip"], bare=True),
    "size": Function((), Kind.NUMBER, lambda _: lambda subject: subject["size"]),
    "show": Function((None,), Kind.TEXT, lambda _: lambda subject, value: str(value)),
    "three": Function((Kind.TEXT,) * 3, Kind.TEXT, lambda _: lambda subject, a, b, c: a + b + c),
}
SUBJECT = {"ip": "10.1", "size": 3}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("any(['9', '10'], ip startsWith #)", True, id="any"),
        pytest.param("any(['9', '8'], ip startsWith #)", False, id="not any"),
        pytest.param("any([], true)", False, id="any of nothing"),
        pytest.param("all([1, 2], # < size())", True, id="all"),
        pytest.param("all([1, 3], # < size())", False, id="not all"),
        pytest.param("all([], false)", True, id="all of nothing"),
        pytest.param("none([4, 5], # < size())", True, id="none"),
        pytest.param("one([1, 2], # == 2)", True, id="one"),
        pytest.param("one([2, 2], # == 2)", False, id="two are not one"),
        pytest.param("any(1..5, # == size())", True, id="range"),
        pytest.param("any([1, 2], any([2, 3], # == size()) && # == 2)", True, id="within each other"),
        pytest.param("show(1) == '1' && show('a') == 'a'", True, id="an argument of any kind"),
        pytest.param("three('a', ip, 'c') == 'a10.1c'", True, id="three arguments and a variable"),
    ],
)
def test_value(text: str, value: bool) -> None:
    assert compile_expression(text, FUNCTIONS).run(SUBJECT) is value


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        pytest.param("# == 1", 0, "a value is missing", id="item outside of a list"),
        pytest.param("any('a', true)", 4, "any takes a list", id="no list"),
        pytest.param("any([1], #)", 9, "takes a condition", id="no condition"),
        pytest.param("any([1])", 7, ", is missing", id="no second part"),
        pytest.param("any([1], # == 'a')", 11, "", id="items of another kind"),
        pytest.param("ip()", 2, "left over", id="a variable is not called"),
    ],
)
def test_complaint(text: str, at: int, why: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text, FUNCTIONS)
    assert refused.value.at == at
    assert why in str(refused.value)
