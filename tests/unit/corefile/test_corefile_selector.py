"""Label selectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.corefile.selector import parse_selector

LABELS = {"team": "retail", "tier": "web", "example.org/zone": "a", "blank": ""}


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        pytest.param("", True, id="empty"),
        pytest.param("team=retail", True, id="equal"),
        pytest.param("team == retail", True, id="equal, spaced"),
        pytest.param("team=finance", False, id="not equal"),
        pytest.param("team!=finance", True, id="differs"),
        pytest.param("team!=retail", False, id="does not differ"),
        pytest.param("ghost!=retail", True, id="an absent label differs"),
        pytest.param("team", True, id="exists"),
        pytest.param("ghost", False, id="does not exist"),
        pytest.param("!ghost", True, id="absent"),
        pytest.param("! team", False, id="not absent"),
        pytest.param("team in (finance, retail)", True, id="in"),
        pytest.param("team in (finance)", False, id="not in the list"),
        pytest.param("ghost in (a)", False, id="an absent label is in nothing"),
        pytest.param("team notin (finance,retail)", False, id="notin"),
        pytest.param("ghost notin (a)", True, id="an absent label is notin"),
        pytest.param("team=retail,tier=web", True, id="both"),
        pytest.param("team=retail,tier=db", False, id="one of two"),
        pytest.param("tier in (web,db),!ghost,team", True, id="three kinds"),
        pytest.param("example.org/zone=a", True, id="prefixed key"),
        pytest.param("blank=", True, id="empty value"),
        pytest.param("blank in (,x)", True, id="empty value in a list"),
        pytest.param("team=", False, id="empty value, other label"),
        pytest.param("in=web", False, id="a key called in"),
    ],
)
def test_accepts_as_kubernetes_does(text: str, accepted: bool) -> None:
    assert parse_selector(text).accepts(LABELS) is accepted


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("team=a=b", "'=' where ',' is expected", id="two operators"),
        pytest.param("team in retail", "'retail' where '(' is expected", id="no bracket"),
        pytest.param("team in (a", "'the end' where ')' is expected", id="bracket left open"),
        pytest.param("=a", "'=' is no label key", id="no key"),
        pytest.param("team,", "a label key is missing", id="comma at the end"),
        pytest.param("team > 3", "'>' is not understood", id="greater than"),
        pytest.param("te*m=a", "'te*m' is no label key", id="bad key"),
        pytest.param("team=a/b", "'a/b' is no label value", id="bad value"),
        pytest.param("team like a", "'like' after 'team'", id="unknown word"),
    ],
)
def test_says_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match="no label selector") as raised:
        parse_selector(text)
    assert complaint in str(raised.value)


@given(st.text(alphabet="ab=!(),in not/.-_ ", max_size=30))
def test_any_text_is_a_selector_or_a_complaint(text: str) -> None:
    try:
        selector = parse_selector(text)
    except ValueError:
        return
    assert selector.accepts(LABELS) in (True, False)


words = st.from_regex(r"[a-z]{1,5}", fullmatch=True)


@given(st.dictionaries(words, words, min_size=1), words, words)
def test_in_and_notin_are_opposites(labels: dict[str, str], key: str, value: str) -> None:
    inside = parse_selector(f"{key} in ({value})").accepts(labels)
    assert parse_selector(f"{key} notin ({value})").accepts(labels) is not inside
    assert parse_selector(f"{key}={value}").accepts(labels) is inside
    assert inside is (labels.get(key) == value)
