"""Text made by others, as it is shown."""

from __future__ import annotations

import pytest

from dnspolicy.model.printable import escaped, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Grüße", "Grüße", id="prints"),
        pytest.param("a\nb\x1b[31m", "a\\nb\\x1b[31m", id="control characters"),
        pytest.param("a\u202eb", "a\\u202eb", id="direction"),
        pytest.param("\ud800", "\\ud800", id="half a character"),
    ],
)
def test_what_does_not_print_is_escaped(text: str, shown: str) -> None:
    assert escaped(text) == printable(text) == shown


def test_only_as_much_as_is_wanted() -> None:
    assert printable("abcdef", 4) == "abc…"
    assert printable("abcd", 4) == "abcd"
