from __future__ import annotations

import dns.rdatatype
import pytest

from dnspolicy.model.rr import Type, class_number, rcode_number, type_number, type_text


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


def test_types_have_the_names_that_others_give_them() -> None:
    theirs = {int(known): dns.rdatatype.to_text(known) for known in dns.rdatatype.RdataType if known}
    assert {number: type_text(number) for number in theirs} == theirs


def test_types_of_ours_are_named_by_their_numbers() -> None:
    assert {int(known): known.name for known in Type} == {int(known): type_text(known) for known in Type}


def test_types_by_name_and_number() -> None:
    for number in range(65536):
        assert type_number(type_text(number)) == number
    assert [type_text(number) for number in (0, 52, 999, 65535)] == ["TYPE0", "TLSA", "TYPE999", "TYPE65535"]
    assert [type_number(text) for text in ("tlsa", "type52", "NSAP-PTR")] == [52, 52, 23]


@pytest.mark.parametrize("text", ["", "TYPE", "TYPE65536", "TYPE-1", "NSAP_PTR", "*"])
def test_what_is_no_type(text: str) -> None:
    with pytest.raises(ValueError, match="is not a record type"):
        type_number(text)
