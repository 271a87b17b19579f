"""What counts as the answer to a question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.model.name import from_text
from dnspolicy.plugins.forward.match import Expected, Match

NAME = from_text("www.Lab.test")
HTTPS = b"\0\x41\0\1"
QUESTION = NAME.wire + HTTPS
SENT = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + QUESTION


def reply(
    id: bytes = b"\x12\x34", flags: bytes = b"\x81\x80", count: bytes = b"\0\1", question: bytes = QUESTION
) -> bytes:
    return id + flags + count + bytes(6) + question


@pytest.mark.parametrize(
    ("wire", "want"),
    [
        pytest.param(reply(), Match.ANSWER, id="the answer"),
        pytest.param(reply(question=QUESTION.lower()[:-4] + HTTPS), Match.ANSWER, id="other letters"),
        pytest.param(reply(flags=b"\x83\x80"), Match.TRUNCATED, id="truncated"),
        pytest.param(reply(id=b"\x12\x35"), Match.WRONG_ID, id="another id"),
        pytest.param(reply(question=QUESTION[:-4] + b"\0\x61\0\1"), Match.WRONG_QUESTION, id="type of other letters"),
        pytest.param(reply(question=QUESTION[:-4] + b"\0\x41\0\3"), Match.WRONG_QUESTION, id="another class"),
        pytest.param(reply(question=from_text("www.evil.test").wire + HTTPS), Match.WRONG_QUESTION, id="another name"),
        pytest.param(reply(question=QUESTION[:-1]), Match.WRONG_QUESTION, id="cut question"),
        pytest.param(reply(count=b"\0\2"), Match.WRONG_QUESTION, id="two questions"),
        pytest.param(reply(count=b"\0\0", question=b""), Match.WRONG_QUESTION, id="no question and no error"),
        pytest.param(reply(count=b"\0\0", question=b"", flags=b"\x81\x82"), Match.BARE_ERROR, id="only an error"),
        pytest.param(reply(flags=b"\x01\x80"), Match.MALFORMED, id="a query"),
        pytest.param(reply(flags=b"\xa9\x80"), Match.MALFORMED, id="another opcode"),
        pytest.param(reply()[:11], Match.MALFORMED, id="shorter than a header"),
        pytest.param(b"", Match.MALFORMED, id="empty"),
    ],
)  # fmt: skip
def test_match(wire: bytes, want: Match) -> None:
    assert Expected(SENT, len(NAME.wire)).match(wire) is want


@given(st.binary(max_size=80))
def test_noise_is_never_an_answer(noise: bytes) -> None:
    if QUESTION.lower()[:-4] not in noise.lower():
        assert Expected(SENT, len(NAME.wire)).match(noise) not in (Match.ANSWER, Match.TRUNCATED)
