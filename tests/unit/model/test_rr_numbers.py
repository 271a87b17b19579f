from __future__ import annotations

import pytest

from dnspolicy.model.rr import class_number, rcode_number


@pytest.mark.parametrize(
    ("text", "number"), [("NOERROR", 0), ("nxdomain", 3), ("NOTIMPL", 4), ("BADCOOKIE", 23), ("0", 0), ("23", 23)]
)
def test_response_codes_by_name_and_number(text: str, number: int) -> None:
    assert rcode_number(text) == number


@pytest.mark.parametrize("text", ["", "24", "-1", "NO", "٣", "003", "1e1"])
def test_what_is_no_response_code(text: str) -> None:
    with pytest.raises(ValueError, match="is not a response code"):
        rcode_number(text)


def test_classes() -> None:
    assert [class_number(text) for text in ("IN", "ch", "HS", "ANY")] == [1, 3, 4, 255]
    with pytest.raises(ValueError, match="is not a class"):
        class_number("XX")
