from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.corefile.regex import MAX_PATTERN, Regex, fill


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        pytest.param(r"(.*)\.example\.", "a.b.example.", ("a.b.example.", "a.b"), id="leftmost-longest-star"),
        pytest.param("b(x)?", "abc", ("b", ""), id="a-group-that-took-no-part-is-empty"),
        pytest.param(r"^a\z", "a", ("a",), id="end-of-text-as-in-go"),
        pytest.param("(?i)WEB", "web.", ("web",), id="flags"),
        pytest.param("[[:alpha:]]+", "12ab", ("ab",), id="posix-class"),
        pytest.param(r"\pL", "é", ("é",), id="unicode-class"),
        pytest.param("", "x", ("",), id="empty-pattern"),
        pytest.param("z", "abc", None, id="no-match"),
    ],
)
def test_find(pattern: str, text: str, found: tuple[str, ...] | None) -> None:
    assert Regex(pattern).find(text) == found
    assert Regex(pattern).matches(text) == (found is not None)


def test_groups_have_numbers_and_names() -> None:
    regex = Regex("(?P<a>x)(y)(?<c>z)")
    assert regex.groups == 3
    assert regex.names == {"a": 1, "c": 3}


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("(", id="open-group"),
        pytest.param("(?=x)", id="look-ahead"),
        pytest.param(r"(a)\1", id="back-reference"),
        pytest.param("a++", id="possessive"),
        pytest.param(r"a\Z", id="end-of-text-as-in-python"),
        pytest.param("a{1001}", id="too-many-repetitions"),
        pytest.param("(((a{100}){100}){100}){100}", id="too-much-memory"),
    ],
)
def test_what_go_does_not_know_is_refused_by_its_words(pattern: str) -> None:
    with pytest.raises(ValueError, match="is not a regular expression") as refused:
        Regex(pattern)
    assert repr(pattern) in str(refused.value)


def test_a_long_pattern_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 10000"):
        Regex("a" * (MAX_PATTERN + 1))


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(a|b?a)+$", "(.*a){20}b", "(x+x+)+y"])
def test_no_name_takes_a_pattern_long(pattern: str) -> None:
    """A backtracking engine would be at these for ages."""
    assert Regex(pattern).find("a" * 252 + "!") is None


@pytest.mark.parametrize(
    ("template", "groups", "text"),
    [
        pytest.param("{1}.x.{2}", ("all", "a", "b"), "a.x.b", id="by-number"),
        pytest.param("{0}", ("all",), "all", id="whole-match"),
        pytest.param("{3}", ("all", "a"), "{3}", id="unknown-stays"),
        pytest.param("{1}", ("all", "{2}", "b"), "b", id="filled-in-order"),
    ],
)
def test_fill(template: str, groups: tuple[str, ...], text: str) -> None:
    assert fill(template, groups) == text


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_pattern_and_text_end_well(pattern: str, text: str) -> None:
    try:
        regex = Regex(pattern)
    except ValueError:
        return
    found = regex.find(text)
    assert found is None or (len(found) == regex.groups + 1 and found[0] in text)
