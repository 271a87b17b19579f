"""The reply to a question: a decision, none, or an error; and where it comes from."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw, UnsetType

from dnspolicy.engines.opa.http import Reply
from dnspolicy.model.errors import EngineBadReply
from dnspolicy.model.printable import printable


class Said(msgspec.Struct, frozen=True, gc=False):
    """`result` is raw JSON; not there when the policy says nothing. `provenance` likewise."""

    result: Raw | UnsetType = UNSET
    provenance: Raw = Raw(b"")


class _Complaint(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""


_decoder = msgspec.json.Decoder(Said)


def read_reply(reply: Reply) -> Said:
    """What OPA said. Raises EngineBadReply."""
    if reply.status != 200:
        raise EngineBadReply(f"OPA: {refusal(reply)}")
    try:
        said = _decoder.decode(reply.body)
    except (msgspec.MsgspecError, UnicodeError):
        raise EngineBadReply("OPA: the reply is not an object of JSON") from None
    except RecursionError:
        raise EngineBadReply("OPA: the reply is nested too deeply") from None
    if said.result is UNSET and not bytes(said.provenance):
        raise EngineBadReply("OPA: a reply without result and provenance, which no OPA gives")
    return said


def refusal(reply: Reply) -> str:
    """Status and OPA's own words about an error, if that is what came."""
    try:
        found = msgspec.json.decode(reply.body[:65_536], type=_Complaint)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        found = _Complaint()
    text = ": ".join(word for word in (found.code, found.message) if word)
    return f"status {reply.status}{f', {printable(text)}' if text else ''}"
