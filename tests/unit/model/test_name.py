from __future__ import annotations

import pytest

from dnspolicy.model.name import from_text


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param("a.example", True, id="same"),
        pytest.param("A.Example.", True, id="other letters"),
        pytest.param("b.example", False, id="another"),
        pytest.param("a.example.org", False, id="longer"),
    ],
)
def test_equal_and_unequal_are_opposites(other: str, same: bool) -> None:
    one, two = from_text("a.example"), from_text(other)
    assert (one == two, one != two) == (same, not same)
